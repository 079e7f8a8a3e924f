/**
 * `sequence.live`: how far the files of a sequence that is being written are whole, and before which time nothing more is to
 * come. Its writer replaces it at each checkpoint.
 *
 * @module
 */
import { isNotFound, SmaltiError } from "../error.ts";
import { type FileReader, readNow, type WholeFile } from "../store/store.ts";
import { filesOf, type Manifest } from "./manifest.ts";

/** Its name in the directory of a sequence's files. No topic's path can be it: topic names hold no dots. */
export const LIVE = "sequence.live";

/** What `sequence.live` says. */
export interface LiveState {
  /** Tells the checkpoints of one writer from those of the next. */
  readonly writer: string;
  /** The sessions being written. */
  readonly sessions: readonly string[];
  /** How many checkpoints there were. */
  readonly checkpoint: number;
  /** The low watermark: rows to come are at this time or later, as far as writers keep to their `latenessNs`. */
  readonly untilNs: bigint;
  readonly topics: { readonly [topic: string]: LiveTopic };
}

/** A topic that is being written. */
export interface LiveTopic {
  /** Whose it is: where a session is removed, a later one may take its topics' names. */
  readonly session: string;
  /** Bytes of its file up to the end of the last batch. */
  readonly bytes: number;
  /** Rows in those; 0 where an older writer did not tell. */
  readonly rows: number;
  /** Time of the first of them; undefined where there is none. */
  readonly firstNs?: bigint;
  /** Time of the last of them, inclusive; undefined where there is none. */
  readonly lastNs?: bigint;
  /** When it was created. */
  readonly created: Date;
}

/** The state as JSON text. */
export function encodeLive(state: LiveState): Uint8Array {
  const plain = (_key: string, value: unknown) => typeof value === "bigint" ? String(value) : value;
  return new TextEncoder().encode(JSON.stringify(state, plain) + "\n");
}

/** Reads a sequence's `sequence.live` again and again. */
export class LiveFile {
  readonly #files: FileReader;
  #path = "";
  #file: WholeFile | undefined;
  #state: LiveState | undefined;

  constructor(files: FileReader) {
    this.#files = files;
  }

  /** What it says now; undefined where there is none. CORRUPT. */
  async read(sequence: Pick<Manifest, "name" | "place" | "directory">): Promise<LiveState | undefined> {
    const path = `${filesOf(sequence)}/${LIVE}`;
    // Another sequence took its place, in a directory of its own.
    if (path !== this.#path) this.#file = undefined;
    this.#path = path;
    try {
      const file = await readNow(this.#files, path, this.#file);
      if (file !== this.#file) {
        this.#file = undefined;
        this.#state = decodeLive(file.bytes);
        this.#file = file;
      }
      return this.#state;
    } catch (reason) {
      // Buckets that nobody may list refuse what is not there.
      const isRefused = reason instanceof SmaltiError && reason.code === "PERMISSION_DENIED";
      if (isNotFound(reason) || (isRefused && !("lockedBy" in this.#files))) return this.#file = undefined;
      throw SmaltiError.from(reason, "CORRUPT", "Cannot read the checkpoint").at({
        sequence: sequence.name,
        file: path,
      });
    }
  }
}

/** What a sequence's `sequence.live` says; undefined where there is none. CORRUPT. */
export async function readLive(
  files: FileReader,
  sequence: Pick<Manifest, "name" | "place" | "directory">,
): Promise<LiveState | undefined> {
  return await new LiveFile(files).read(sequence);
}

function decodeLive(bytes: Uint8Array): LiveState {
  const json = JSON.parse(new TextDecoder().decode(bytes));
  // Version 1 had one session.
  const { session, writer = session, sessions = [session], checkpoint, untilNs, sizes = {} } = json;
  const ofOne = Object.entries(sizes).map(([topic, bytes]) => [topic, { session, bytes }]);
  const { topics = Object.fromEntries(ofOne) } = json;
  const read = Object.entries<Record<string, never>>(topics).map((
    [topic, told],
  ) => [topic, liveTopic(told)]);
  return { writer, sessions, checkpoint, untilNs: BigInt(untilNs), topics: Object.fromEntries(read) };
}

function liveTopic(told: Record<string, never>): LiveTopic {
  const { session, bytes, rows = 0, firstNs, lastNs, created = 0 } = told;
  return {
    session,
    bytes,
    rows,
    ...(firstNs !== undefined && { firstNs: BigInt(firstNs) }),
    ...(lastNs !== undefined && { lastNs: BigInt(lastNs) }),
    created: new Date(created),
  };
}
