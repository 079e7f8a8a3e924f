import type { JsonValue, Metadata } from "../types.ts";
import {
  type ByteSource,
  type ImportSources,
  type PauseWork,
  readParts,
  toByteSources,
} from "./byte_source.ts";

/** A file of an import. */
export interface ImportedFile {
  /** Its name, where its source says one. */
  readonly name: string | undefined;
  /** Messages read of it, on all topics. */
  readonly messageCount: number;
}

/** The sequence's metadata that tells of the files, where there are several. */
const FILES_KEY = "import.files";

/** A file as it is read. */
interface FileInWork {
  readonly source: ByteSource;
  /** What it tells about the sequence where it begins, which any file of its format does, and later. */
  readonly opening: Metadata;
  readonly facts: Metadata;
  /** What it tells about topics, which is worth nothing without their messages. */
  readonly topicFacts: Metadata;
  /** Messages of all files before it. */
  messagesBefore: number;
  attachmentCount: number;
}

/** The files of one import, one after another. */
export class ImportFiles {
  readonly #files: readonly FileInWork[];
  /** What errors call a file whose source has no name. */
  readonly what: string;
  readonly #totalBytes: number | undefined;
  #at = -1;
  #bytesRead = 0;

  /** @param what What errors call a file whose source has no name. */
  constructor(sources: ImportSources, what: string) {
    const list = toByteSources(sources);
    this.#files = list.map((source) => ({
      source,
      opening: {},
      facts: {},
      topicFacts: {},
      messagesBefore: 0,
      attachmentCount: 0,
    }));
    this.what = what;
    const sizes = list.map(({ sizeBytes }) => sizeBytes);
    this.#totalBytes = sizes.every((size) => size !== undefined)
      ? sizes.reduce((sum, size) => sum + size, 0)
      : undefined;
  }

  /** All of them. */
  get sources(): readonly ByteSource[] {
    return this.#files.map(({ source }) => source);
  }

  /** Whether one of them cannot be had again. */
  get isLive(): boolean {
    return this.#files.some(({ source }) => source.isLive);
  }

  /** Whether there are several. */
  get hasSeveral(): boolean {
    return this.#files.length > 1;
  }

  /** Whether nothing was kept of them beside messages and what tells about their topics. */
  get isEmpty(): boolean {
    return this.#files.every(({ facts, attachmentCount }) => {
      return attachmentCount === 0 &&
        Object.values(facts).every((fact) => Array.isArray(fact) && fact.length === 0);
    });
  }

  /** The file that is read; before the first, that one. */
  get current(): FileInWork {
    return this.#files[Math.max(0, this.#at)];
  }

  /** What errors call it: `"b.mcap"`, and which of several it is. */
  get label(): string {
    const { name } = this.current.source;
    const label = name === undefined ? this.what : JSON.stringify(name);
    const { length } = this.#files;
    return length === 1 ? label : `${label} (file ${Math.max(0, this.#at) + 1} of ${length})`;
  }

  /** Goes on to the next; false after the last. `messageCount` are the messages so far. */
  next(messageCount: number): boolean {
    if (this.#at + 1 === this.#files.length) return false;
    this.#at++;
    this.current.messagesBefore = messageCount;
    return true;
  }

  /** The bytes of the file, in parts; `pause` is for live ones. */
  async *bytes(
    signal: AbortSignal | undefined,
    onProgress: ((bytesRead: number, totalBytes: number | undefined) => void) | undefined,
    pause: PauseWork,
  ): AsyncGenerator<Uint8Array> {
    const { chunks, isLive } = this.current.source;
    for await (const part of readParts(chunks, signal, isLive ? pause : undefined)) {
      yield part;
      this.#bytesRead += part.length;
      onProgress?.(this.#bytesRead, this.#totalBytes);
    }
  }

  /** What became of each so far. */
  report(messageCount: number): ImportedFile[] {
    return this.#files.map(({ source, messagesBefore }, i) => {
      if (i > this.#at) return { name: source.name, messageCount: 0 };
      const after = i < this.#at ? this.#files[i + 1].messagesBefore : messageCount;
      return { name: source.name, messageCount: after - messagesBefore };
    });
  }

  /** What the files tell about the sequence: of one file its facts, of several a list of what each of them tells. */
  facts(messageCount = 0): Metadata {
    const tell = ({ opening, facts, topicFacts }: FileInWork) => ({ ...opening, ...facts, ...topicFacts });
    if (this.#files.length === 1) return tell(this.#files[0]);
    const files = this.report(messageCount).slice(0, this.#at + 1).map(
      ({ name, messageCount }, i): JsonValue => {
        const file = this.#files[i];
        return {
          ...(name !== undefined && { name }),
          messages: messageCount,
          attachments: file.attachmentCount,
          ...tell(file),
        };
      },
    );
    return { [FILES_KEY]: files };
  }
}
