/**
 * An import that writes nothing: all is decoded and checked, and counted in place of being stored.
 *
 * @module
 */
import { noArrow } from "../arrow/library.ts";
import type { Columns } from "../arrow/columns.ts";
import type { SequenceSink, TopicSink } from "../backend.ts";
import { compareNames } from "../names.ts";
import type {
  AttachmentInfo,
  Metadata,
  SequenceInfo,
  SessionInfo,
  TopicInfo,
  TopicSchema,
} from "../types.ts";
import { totals } from "../util/totals.ts";
import { SequenceWriter } from "../write/sequence_writer.ts";

/** A writer of a sequence that is nowhere. What `finalize` gives tells what would be in it; no topic has bytes. */
export function drySequence(name: string, metadata: Metadata, maxBufferedBytes: number): SequenceWriter {
  const options = { maxBufferedBytes, autoFlush: false } as const;
  return new SequenceWriter(name, new CountingSink(name, metadata), options, noArrow, () => {});
}

class CountingSink implements SequenceSink {
  readonly session: Pick<SessionInfo, "id" | "created"> = { id: "0", created: new Date() };
  readonly #name: string;
  readonly #metadata: Metadata;
  readonly #topics: CountingTopic[] = [];
  readonly #attachments: AttachmentInfo[] = [];

  constructor(name: string, metadata: Metadata) {
    this.#name = name;
    this.#metadata = { ...metadata };
  }

  createTopic(name: string, schema: TopicSchema): Promise<TopicSink> {
    const topic = new CountingTopic(name, schema, this.session);
    this.#topics.push(topic);
    return Promise.resolve(topic);
  }

  attach(info: AttachmentInfo): Promise<void> {
    this.#attachments.push(info);
    return Promise.resolve();
  }

  addMetadata(metadata: Metadata): void {
    Object.assign(this.#metadata, metadata);
  }

  checkpoint(): Promise<void> {
    return Promise.resolve();
  }

  finalize(): Promise<SequenceInfo> {
    const topics = this.#topics.map(({ info }) => info).sort((a, b) => compareNames(a.name, b.name));
    const session = { ...this.session, state: "finalized", topics: topics.map(({ name }) => name) } as const;
    return Promise.resolve({
      name: this.#name,
      state: "finalized",
      metadata: this.#metadata,
      created: this.session.created,
      sessions: [session],
      topics,
      attachments: this.#attachments,
    });
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

class CountingTopic implements TopicSink {
  info: TopicInfo;

  constructor(
    name: string,
    { ontologyTag, serializationFormat, metadata }: TopicSchema,
    { id, created }: Pick<SessionInfo, "id" | "created">,
  ) {
    const facts = { name, ontologyTag, serializationFormat, metadata };
    this.info = { ...facts, rowCount: 0, sizeBytes: 0, created, sessionId: id };
  }

  write({ rows }: Columns, firstNs: bigint, lastNs: bigint): Promise<void> {
    const { info } = this;
    this.info = { ...info, ...totals([info, { rowCount: rows, sizeBytes: 0, firstNs, lastNs }]) };
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }
}
