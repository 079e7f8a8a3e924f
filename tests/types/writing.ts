/**
 * What the type checker has to accept and to refuse of writers and streams. Nothing here runs: `deno check` is the test.
 *
 * @module
 */
import type { RecordBatch, Table } from "apache-arrow";
import {
  type Client,
  defineOntology,
  fixedSizeList,
  float64,
  GPS,
  type IMU,
  type Infer,
  int64,
  list,
  type Message,
  type MessageBlock,
  type Ontology,
  optional,
  type SequenceEntry,
  type SequenceHandler,
  type SequenceInfo,
  type SequenceState,
  type SequenceWriter,
  type SmaltiError,
  struct,
  type TopicHandler,
  type TopicMessage,
  type TopicWriter,
  uint8,
  utf8,
} from "../../mod.ts";

/** True where `A` and `B` are the same type, optional properties and all. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<_ extends true>(): void {}

const Engine = defineOntology("Engine", {
  rpm: float64(),
  cycles: int64(),
  note: optional(utf8()),
  raw: list(uint8()),
  shaft: struct({ x: float64(), y: optional(float64()) }),
  pair: fixedSizeList(int64(), 2),
});
type Engine = Infer<typeof Engine>;

/** `topicCreate` infers what a topic takes. */
export async function push(sequence: SequenceWriter): Promise<void> {
  const engine = await sequence.topicCreate("engine", { ontology: Engine, metadata: { rate: [1, null] } });
  same<Same<typeof engine, TopicWriter<Engine>>>();
  const timestampNs = 1n;
  const data = { rpm: 1, cycles: 2n, raw: [1, 2], shaft: { x: 1 }, pair: [1n, 2n] };
  const result: Promise<void> | undefined = engine.push({ timestampNs, data });
  await result;
  await engine.push({
    timestampNs: { epochNanoseconds: 1n },
    data: { ...data, cycles: 5, note: null, pair: [1, 2n] },
  });
  await engine.push({ timestampNs, data: { ...data, raw: Uint8Array.of(1), shaft: { x: 1, y: undefined } } });
  // What was read may be pushed as it is.
  await engine.push({ timestampNs, data: {} as Engine });
  await engine.push({} as TopicMessage<Engine>);

  // @ts-expect-error a time is a bigint, or has one
  await engine.push({ timestampNs: "1", data });
  // @ts-expect-error no data
  await engine.push({ timestampNs });
  // @ts-expect-error rpm is missing
  await engine.push({ timestampNs, data: { cycles: 2n, raw: [], shaft: { x: 1 }, pair: [] } });
  // @ts-expect-error rpm is a number
  await engine.push({ timestampNs, data: { ...data, rpm: 1n } });
  // @ts-expect-error rpm may not be missing
  await engine.push({ timestampNs, data: { ...data, rpm: null } });
  // @ts-expect-error cycles is an integer
  await engine.push({ timestampNs, data: { ...data, cycles: "2" } });
  // @ts-expect-error raw holds numbers
  await engine.push({ timestampNs, data: { ...data, raw: ["1"] } });
  // @ts-expect-error shaft needs x
  await engine.push({ timestampNs, data: { ...data, shaft: { y: 1 } } });
  // @ts-expect-error no such field within the struct
  await engine.push({ timestampNs, data: { ...data, shaft: { x: 1, z: 1 } } });
  // @ts-expect-error a message is more than its data
  await engine.push(data);

  const gps = await sequence.topicCreate("gps", { ontology: GPS });
  same<Same<typeof gps, TopicWriter<GPS>>>();
  // @ts-expect-error a GPS is no IMU
  const imu: TopicWriter<IMU> = gps;
  // @ts-expect-error nor the other way round
  const other: TopicMessage<GPS> = {} as TopicMessage<IMU>;
  // @ts-expect-error metadata is what JSON can say
  await sequence.topicCreate("gps", { ontology: GPS, metadata: { since: new Date() } });
  // @ts-expect-error an ontology is no class of one's own
  await sequence.topicCreate("gps", { ontology: class GPS {} });
  // Where the type is not known, anything goes, and is checked when it runs.
  const any: TopicWriter = gps;
  await any.push({ timestampNs, data: { whatever: 1 } });
  void [imu, other];
}

/** `pushColumns` wants a column for each field. */
export async function pushColumns(engine: TopicWriter<Engine>, gps: TopicWriter<GPS>): Promise<void> {
  const timestampNs = BigInt64Array.of(1n);
  const columns = {
    timestampNs,
    rpm: Float64Array.of(1),
    cycles: BigInt64Array.of(1n),
    raw: [Uint8Array.of(1)],
    shaft: { x: Float64Array.of(1) },
    pair: [[1n, 2n]],
  };
  await engine.pushColumns(columns);
  await engine.pushColumns({ ...columns, rpm: [1], cycles: [1], note: [null], shaft: [{ x: 1 }] });
  await engine.pushColumns({ ...columns, shaft: { x: [1], y: [undefined] }, note: ["a"] });
  await gps.pushColumns({ timestampNs, position: { x: [1], y: [2], z: [3] }, velocity: [null] });
  // @ts-expect-error y may not be missing
  await gps.pushColumns({ timestampNs, position: { x: [1], y: [null], z: [3] } });

  // @ts-expect-error times are a BigInt64Array
  await engine.pushColumns({ ...columns, timestampNs: [1n] });
  // @ts-expect-error rpm is missing
  await engine.pushColumns({ timestampNs, cycles: columns.cycles, raw: [], shaft: columns.shaft, pair: [] });
  // @ts-expect-error rpm is a column of numbers
  await engine.pushColumns({ ...columns, rpm: ["1"] });
  // @ts-expect-error rpm is a column, not a value
  await engine.pushColumns({ ...columns, rpm: 1 });
  // @ts-expect-error shaft has no z
  await engine.pushColumns({ ...columns, shaft: { x: [1], z: [1] } });
  // @ts-expect-error shaft needs x
  await engine.pushColumns({ ...columns, shaft: { y: [1] } });
  // @ts-expect-error raw is a column of lists
  await engine.pushColumns({ ...columns, raw: Uint8Array.of(1) });
}

/** The callback form gives what its function gives. */
export async function create(client: Client): Promise<void> {
  const none = await client.sequenceCreate("s", {}, async () => {});
  same<Same<typeof none, void>>();
  const object = await client.sequenceCreate(
    "s",
    { metadata: { a: 1 } },
    (sequence) => Promise.resolve({ name: sequence.name }),
  );
  same<Same<typeof object, { name: string }>>();
  const plain = await client.sequenceUpdate(
    "s",
    { errorPolicy: "delete" },
    (sequence) => sequence.topics.size,
  );
  same<Same<typeof plain, number>>();
  const info = await client.sequenceCreate("s", {}, (sequence) => sequence.finalize());
  same<Same<typeof info, SequenceInfo>>();
  const writer = await client.sequenceUpdate("s");
  same<Same<typeof writer, SequenceWriter>>();
  const names = await client.listSequences();
  same<Same<typeof names, string[]>>();
  const infos = await client.listSequences({ details: true });
  same<Same<typeof infos, SequenceEntry[]>>();
  for (const entry of infos) {
    if (entry.error) same<Same<typeof entry.error, SmaltiError>>();
    else same<Same<typeof entry.state, SequenceState>>();
  }
  // @ts-expect-error no such policy
  await client.sequenceCreate("s", { errorPolicy: "keep" });
  // @ts-expect-error an update takes no metadata
  await client.sequenceUpdate("s", { metadata: {} });
  await client.sequenceCreate("s", { metadata: { startNs: 1n } });
  // @ts-expect-error a function is nothing that JSON can say
  await client.sequenceCreate("s", { metadata: { run: () => 1 } });
}

/** What streams give. */
export async function read(sequence: SequenceHandler, topic: TopicHandler): Promise<void> {
  const merged = sequence.getDataStreamer({ topics: ["a"], startNs: 1n, endNs: { epochNanoseconds: 2n } });
  for await (const [name, message] of merged) {
    same<Same<typeof name, string>>();
    same<Same<typeof message, Message>>();
    const { shaft, cycles } = message.getData(Engine);
    same<Same<typeof cycles, bigint>>();
    same<Same<typeof shaft.y, number | undefined>>();
    const known: Ontology<Engine> = Engine;
    // @ts-expect-error an Engine has no position
    message.getData(known).position;
    // @ts-expect-error a message's data is not to be written
    message.data = {};
  }
  for await (const block of merged.batches()) {
    same<Same<typeof block, MessageBlock<[topic: string, message: Message]>>>();
    for (const [name, message] of block) void [name.length, message.timestampNs];
  }
  const stream: ReadableStream<[string, Message]> = merged.toReadableStream();
  const next: bigint | undefined = await merged.nextTimestampNs();

  const single = topic.getDataStreamer();
  for await (const message of single) same<Same<typeof message, Message>>();
  for await (const block of single.batches()) same<Same<typeof block, MessageBlock<Message>>>();
  for await (const batch of single.toArrow()) same<Same<typeof batch, RecordBatch>>();
  const table: Table = await single.toTable();
  const { tables, row } = await merged.toTable();
  same<Same<typeof tables, ReadonlyMap<string, Table>>>();
  same<Same<typeof row, Int32Array>>();
  // @ts-expect-error a topic is one topic
  topic.getDataStreamer({ topics: ["a"] });
  // @ts-expect-error a bound is a bigint
  topic.getDataStreamer({ startNs: 1 });
  void [stream, next, table];
}

/** Streams fit where their messages do. */
export async function pipe(engine: TopicWriter<Engine>, topic: TopicHandler): Promise<void> {
  const typed = new TransformStream<Message, TopicMessage<Engine>>({
    transform: (message, controller) =>
      controller.enqueue({ timestampNs: message.timestampNs, data: message.getData(Engine) }),
  });
  await topic.getDataStreamer().toReadableStream().pipeThrough(typed).pipeTo(engine.toWritableStream());
  const writer = engine.toWritableStream().getWriter();
  // @ts-expect-error not a message of this topic
  await writer.write({ timestampNs: 1n, data: { position: {} } });
}
