/**
 * What the tests of the main path share: places to record in, errors, stores that can be watched and held up, rows that
 * can be told apart.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Client, connect } from "../../mod.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { ErrorCode } from "../../src/error.ts";
import { SmaltiError } from "../../src/error.ts";
import {
  defineOntology,
  type Infer,
} from "../../src/ontology/define_ontology.ts";
import {
  float32,
  float64,
  int64,
  list,
  optional,
  struct,
  utf8,
} from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/message.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { DirectoryStore } from "../../src/store/directory.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type {
  HeldFile,
  ReadOptions,
  Store,
  StoreLock,
} from "../../src/store/store.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import type { TopicWriter } from "../../src/write/topic_writer.ts";
import { engine, expectedRow, touchedRow, written } from "../arrow/random.ts";

/** Where recordings may live: each kind is tested. */
export type Place = "memory" | "directory";
export const PLACES: readonly Place[] = ["memory", "directory"];

/** Runs `body` with a new directory, which is removed after it. */
export async function inDirectory<R>(
  body: (directory: string) => Promise<R>,
): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-test-"));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs `body` with a client on a new place. */
export async function withClient<R>(
  place: Place,
  body: (client: Client) => Promise<R>,
): Promise<R> {
  if (place === "memory") return await using(await connect("memory:"), body);
  return await inDirectory(async (directory) =>
    await using(await connect(directory), body)
  );
}

async function using<R>(
  client: Client,
  body: (client: Client) => Promise<R>,
): Promise<R> {
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Runs `body` with a client on a store. */
export async function onStore<R>(
  store: Store,
  body: (client: Client) => Promise<R>,
): Promise<R> {
  return await using(clientOf(store), body);
}

/** Runs `body` with a client of a store in memory that holds these files, by path. */
export async function onFiles<R>(
  files: Readonly<Record<string, Uint8Array>>,
  body: (client: Client, store: MemoryStore) => Promise<R>,
): Promise<R> {
  const store = new MemoryStore();
  for (const [path, bytes] of Object.entries(files)) {
    await store.replace(path, bytes);
  }
  return await onStore(store, (client) => body(client, store));
}

/** A client on a store of one's own. */
export function clientOf(store: Store): Client {
  return new Client(new EmbeddedBackend(store, engine));
}

/** What a call throws or rejects with; fails where it does neither. */
export async function thrownBy(call: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = await call();
  } catch (reason) {
    return reason;
  }
  throw new Error(`Nothing was thrown, but returned: ${String(result)}`);
}

/** Expects a SmaltiError with a code and all of the texts; gives it. */
export async function expectError(
  call: () => unknown,
  code: ErrorCode,
  ...texts: (string | RegExp)[]
): Promise<SmaltiError> {
  const reason = await thrownBy(call);
  if (!(reason instanceof SmaltiError)) throw reason;
  expect([reason.code, reason.message]).toEqual([code, reason.message]);
  for (const text of texts) expect(reason.message).toMatch(text);
  return reason;
}

/** A promise and what settles it. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => resolve = done);
  return { promise, resolve };
}

/** Resolves when a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Resolves when all that can run without waiting has run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Whether a promise has settled, once all that can run without waiting has run. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  await settle();
  return settled;
}

/** The calls of a store that take a path first. */
export type StoreCall =
  | "list"
  | "size"
  | "read"
  | "create"
  | "append"
  | "sync"
  | "replace"
  | "move"
  | "open"
  | "remove"
  | "lock";

/** A store whose calls can be counted, held up and made to fail. */
export class WatchedStore implements Store {
  readonly url: string;
  readonly isDurable = false;
  /** All calls so far, as `read drive/gps.arrow`. */
  readonly calls: string[] = [];
  /** Ranges read so far, as far as they were there. */
  readonly reads: { path: string; offset: number; length: number }[] = [];
  /** Runs before each call; what it throws is what the call rejects with. */
  before: (call: StoreCall, path: string) => Promise<void> | void = () => {};
  readonly #store: Store;

  constructor(store: Store = new MemoryStore()) {
    this.#store = store;
    this.url = store.url;
  }

  /** How often a call was made, for paths that end so. */
  count(call: StoreCall, end = ""): number {
    return this.calls.filter((made) =>
      made.startsWith(`${call} `) && made.endsWith(end)
    ).length;
  }

  list(path: string): Promise<string[]> {
    return this.#do("list", path, () => this.#store.list(path));
  }
  size(path: string): Promise<number> {
    return this.#do("size", path, () => this.#store.size(path));
  }
  async read(
    path: string,
    offset: number,
    length: number,
    options?: ReadOptions,
  ): Promise<Uint8Array> {
    const bytes = await this.#do(
      "read",
      path,
      () => this.#store.read(path, offset, length, options),
    );
    this.reads.push({ path, offset, length: bytes.length });
    return bytes;
  }
  create(path: string): Promise<void> {
    return this.#do("create", path, () => this.#store.create(path));
  }
  append(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do("append", path, () => this.#store.append(path, bytes));
  }
  sync(path: string): Promise<void> {
    return this.#do("sync", path, () => this.#store.sync(path));
  }
  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do("replace", path, () => this.#store.replace(path, bytes));
  }
  move(from: string, to: string): Promise<void> {
    return this.#do("move", from, () => this.#store.move(from, to));
  }
  open(path: string): Promise<HeldFile> {
    return this.#do("open", path, () => this.#store.open(path));
  }
  remove(path: string): Promise<void> {
    return this.#do("remove", path, () => this.#store.remove(path));
  }
  lock(path: string): Promise<StoreLock> {
    return this.#do("lock", path, () => this.#store.lock(path));
  }
  lockedBy(path: string): Promise<string | undefined> {
    return this.#store.lockedBy(path);
  }
  close(): Promise<void> {
    return this.#store.close();
  }

  async #do<R>(
    call: StoreCall,
    path: string,
    action: () => Promise<R>,
  ): Promise<R> {
    this.calls.push(`${call} ${path}`);
    await this.before(call, path);
    return await action();
  }
}

/** Rows with an optional field, a list and a struct, so that mixed up columns show. */
export const Sample = defineOntology("Sample", {
  serial: int64(),
  label: optional(utf8()),
  values: list(float64()),
  place: optional(struct({ x: float64(), y: optional(float32()) })),
});
export type Sample = Infer<typeof Sample>;

/** The data of row number `serial` of a topic; no two are the same. */
export function sample(serial: number): Sample {
  return {
    serial: BigInt(serial),
    label: serial % 3 === 0 ? undefined : `row ${serial}`,
    values: Float64Array.from({ length: serial % 4 }, (_, i) => serial + i / 8),
    place: serial % 5 === 0
      ? undefined
      : { x: -serial, y: serial % 2 ? serial / 2 : undefined },
  };
}

/** A value of apache-arrow as the plain value that a push would take. */
export function fromArrow(field: FieldSchema, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  const { children, type } = field;
  if (type.kind === "list" || type.kind === "fixedList") {
    return Array.from(
      value as Iterable<unknown>,
      (item) => fromArrow(children[0], item),
    );
  }
  return type.kind === "struct"
    ? rowFromArrow(children, value as Iterable<[unknown, unknown]>)
    : value;
}

/** The same for a row. By its iterator: fields may be called as apache-arrow's own members. */
export function rowFromArrow(
  fields: readonly FieldSchema[],
  row: Iterable<[unknown, unknown]>,
): Record<string, unknown> {
  return Object.fromEntries(
    Array.from(
      row,
      ([, value], i) => [fields[i].name, fromArrow(fields[i], value)],
    ),
  );
}

/** A message as text: topic, time and data, each property touched. */
export function rowText(
  topic: string,
  timestampNs: bigint,
  data: object,
): string {
  return `${topic} ${timestampNs} ${written(touchedRow(Sample.fields, data))}`;
}

/** The same of a message with the data of {@linkcode sample}. */
export function sampleText(
  topic: string,
  timestampNs: bigint,
  serial: number,
): string {
  return `${topic} ${timestampNs} ${
    written(expectedRow(Sample.fields, { ...sample(serial) }))
  }`;
}

/** The messages of a stream as texts. */
export async function texts(
  stream: AsyncIterable<[string, Message] | Message>,
): Promise<string[]> {
  const all: string[] = [];
  for await (const item of stream) {
    const message = Array.isArray(item) ? item[1] : item;
    all.push(
      rowText(
        Array.isArray(item) ? item[0] : message.topic,
        message.timestampNs,
        message.data,
      ),
    );
  }
  return all;
}

/** All messages of a sequence as texts. */
export async function allTexts(
  client: Client,
  sequence: string,
): Promise<string[]> {
  return await texts(
    (await client.sequenceHandler(sequence)).getDataStreamer(),
  );
}

/** Pushes a row for each time, numbered from `serial`. */
export async function pushSamples(
  topic: TopicWriter<Sample>,
  times: readonly number[],
  serial = 0,
): Promise<void> {
  for (const time of times) {
    await topic.push({ timestampNs: BigInt(time), data: sample(serial++) });
  }
}

/** A new topic with a row for each time. */
export async function addTopic(
  sequence: SequenceWriter,
  name: string,
  times: readonly number[],
): Promise<TopicWriter<Sample>> {
  const topic = await sequence.topicCreate(name, { ontology: Sample });
  await pushSamples(topic, times);
  return topic;
}

/** Records a finalized sequence: topics with a row for each time. */
export async function recordSequence(
  client: Client,
  name: string,
  topics: Record<string, readonly number[]>,
): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    for (const [topic, times] of Object.entries(topics)) {
      await addTopic(sequence, topic, times);
    }
  });
}

/** A new store of a kind, and what takes it away again. */
export async function makeStore(
  place: Place,
): Promise<{ store: Store; dispose(): Promise<void> }> {
  if (place === "memory") {
    const store = new MemoryStore();
    return { store, dispose: () => store.close() };
  }
  const directory = await mkdtemp(join(tmpdir(), "smalti-test-"));
  const store = new DirectoryStore(directory);
  const dispose = async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { store, dispose };
}
