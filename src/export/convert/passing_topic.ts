import type { Columns } from "../../arrow/columns.ts";
import { timesOf, vectorsOf } from "../../arrow/rearrange.ts";
import type { OpenBatch } from "../../arrow/stored_batch.ts";
import type { Run, RunSource, TopicSink, TopicSource } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import type { SessionInfo, TopicInfo, TopicSchema, Window } from "../../types.ts";
import { lowerBound } from "../../util/times.ts";
import { totals } from "../../util/totals.ts";

const NO_BYTES = new Uint8Array(0);

/** Rows that are held, in time order. */
interface HeldBatch {
  /** Its place in the order of writing, which breaks ties. */
  readonly number: number;
  readonly columns: Columns;
  readonly bytes: number;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Whether the reader has not been told of it. */
  isFresh: boolean;
}

/** One topic of a sequence that is passed on. */
export class PassingTopic implements TopicSink {
  info: TopicInfo;
  batches: HeldBatch[] = [];
  readonly #schema: TopicSchema;
  readonly #take: (columns: Columns) => Promise<void>;
  #count = 0;

  /** @param take Takes the rows for the sequence, which adds them. */
  constructor(
    name: string,
    schema: TopicSchema,
    { id, created }: Pick<SessionInfo, "id" | "created">,
    take: (columns: Columns) => Promise<void>,
  ) {
    const { ontologyTag, serializationFormat, metadata } = schema;
    const facts = { name, ontologyTag, serializationFormat, metadata };
    this.info = { ...facts, rowCount: 0, sizeBytes: 0, created, sessionId: id };
    this.#schema = schema;
    this.#take = take;
  }

  write(columns: Columns, firstNs: bigint, lastNs: bigint): Promise<void> {
    this.info = {
      ...this.info,
      ...totals([this.info, { rowCount: columns.rows, sizeBytes: 0, firstNs, lastNs }]),
    };
    return this.#take(columns);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  /** Holds rows in time order, which are its own from then on. */
  add(columns: Columns, bytes: number): void {
    const times = timesOf(columns);
    const [firstNs, lastNs] = [times[0], times[times.length - 1]];
    this.batches.push({ number: this.#count++, columns, bytes, firstNs, lastNs, isFresh: true });
  }

  /** Some of its batches, to be read. */
  source(batches: readonly HeldBatch[]): TopicSource {
    const passed = () => {
      const text = `Topic "${this.info.name}" is passed on as it comes: wanted a stream over its sequence`;
      return Promise.reject(new SmaltiError("UNSUPPORTED", text, { topic: this.info.name }));
    };
    return {
      info: this.info,
      schema: this.#schema,
      runs: (window) => new HeldRuns(this.#schema, batches, window),
      countRows: passed,
      latest: passed,
      verify: passed,
    };
  }
}

/** Walks batches by their first time, ties by number. */
class HeldRuns implements RunSource {
  readonly nextBytes = 0; // they are held already
  readonly #schema: TopicSchema;
  readonly #window: Window;
  readonly #batches: HeldBatch[];

  constructor(schema: TopicSchema, batches: readonly HeldBatch[], window: Window) {
    this.#schema = schema;
    this.#window = window;
    this.#batches = batches.filter(({ firstNs, lastNs }) => {
      return firstNs <= window.lastNs && lastNs >= window.firstNs;
    });
    // From the end: they are taken from there.
    this.#batches.sort((a, b) =>
      a.firstNs < b.firstNs ? 1 : a.firstNs > b.firstNs ? -1 : b.number - a.number
    );
  }

  get nextNs(): bigint | undefined {
    const next = this.#batches.at(-1);
    if (!next) return undefined;
    const { firstNs } = this.#window;
    return next.firstNs > firstNs ? next.firstNs : firstNs;
  }

  readonly ahead = undefined;

  prefetch(): void {}

  dropAhead(): void {}

  open(): Promise<Run | undefined> {
    const { number, columns } = this.#batches.pop()!;
    const batch = openHeld(this.#schema, columns);
    const { firstNs, lastNs } = this.#window;
    const [from, to] = [lowerBound(batch.times, firstNs), lowerBound(batch.times, lastNs + 1n)];
    return Promise.resolve(from < to ? { batchNumber: number, batch, from, to } : undefined);
  }

  close(): void {
    this.#batches.length = 0;
  }
}

function openHeld({ fields }: TopicSchema, columns: Columns): OpenBatch {
  return {
    rows: columns.rows,
    times: timesOf(columns),
    table: vectorsOf(fields, columns),
    message: NO_BYTES,
    places: [],
    headerCrc: undefined,
    onLoad: undefined,
    loadedBytes: 0,
    unload() {}, // it is decompressed as it is
    giveBack() {}, // its buffers are the importer's
    share() {
      return { ...this, onLoad: undefined };
    },
  };
}
