/**
 * What the type checker has to accept and to refuse of the client. Nothing here runs: `deno check` is the test.
 *
 * @module
 */
import {
  connect,
  type EngineInfo,
  GPS,
  IMU,
  type Message,
  type MessageCursor,
  nowNs,
  sequenceQ,
  type SequenceWriter,
  type SyncField,
  type TopicWriter,
} from "../../mod.ts";

/** Never called. */
export async function check(sequence: SequenceWriter): Promise<void> {
  const gps: TopicWriter<GPS> = await sequence.topicCreate("gps", {
    ontology: GPS,
  });
  await gps.push({ timestampNs: 1n, data: { position: { x: 1, y: 2, z: 3 } } });
  await gps.push({
    timestampNs: { epochNanoseconds: 1n },
    data: { position: { x: 1, y: 2, z: 3 } },
  });
  await gps.push({ timestampNs: new Date(), data: { position: { x: 1, y: 2, z: 3 } } });
  // @ts-expect-error a number is no time
  await gps.push({ timestampNs: 1, data: { position: { x: 1, y: 2, z: 3 } } });
  // @ts-expect-error the time is missing
  await gps.push({ data: { position: { x: 1, y: 2, z: 3 } } });
  // @ts-expect-error the position is missing
  await gps.push({ timestampNs: 1n, data: {} });
  // @ts-expect-error no such field
  await gps.push({ timestampNs: 1n, data: { position: { x: 1, y: 2, z: 3 }, speed: 3 } });
  const turn = { acceleration: { x: 1, y: 2, z: 3 }, angular_velocity: { x: 1, y: 2, z: 3 } };
  // @ts-expect-error a message of another class
  await gps.push({ timestampNs: 1n, data: turn });
  // @ts-expect-error no ontology
  await sequence.topicCreate("none", {});

  GPS.q.position.x.gt(45).and(GPS.q.timestampNs.leq(1n)).or(IMU.q.acceleration.x.in([1, 2n])).not();
  GPS.q.header.frame_id.match("map*");
  // @ts-expect-error a number is compared with numbers
  GPS.q.position.x.gt("45");
  // @ts-expect-error patterns are for text
  GPS.q.position.x.match("4*");
  // @ts-expect-error no such field
  GPS.q.position.w.gt(1);
  // @ts-expect-error a struct is no value
  GPS.q.position.eq(1);

  await using client = await connect("memory:");
  const seven: number = await client.sequenceCreate("s", {}, () => 7);
  const writer: SequenceWriter = await client.sequenceCreate("s");
  // @ts-expect-error the function gives a number
  const text: string = await client.sequenceCreate("s", {}, () => 7);
  const handler = await client.sequenceHandler("s");
  for await (const [topic, message] of handler.getDataStreamer()) {
    const both: [string, Message] = [topic, message];
    const x: number = message.getData(IMU).acceleration.x;
    // @ts-expect-error an IMU has no position
    message.getData(IMU).position;
    // @ts-expect-error a time is a bigint
    const late: number = message.timestampNs;
    void [both, x, late];
  }
  for await (const block of handler.getDataStreamer().batches()) {
    const cursor: MessageCursor = block.cursor(handler.firstNs);
    while (cursor.next()) {
      const x: number = cursor.getData(IMU).acceleration.x;
      const [topic, offsetNs, time]: [string, number, bigint] = [
        cursor.topic,
        cursor.offsetNs,
        cursor.timestampNs,
      ];
      const kept: Message = cursor.message();
      // @ts-expect-error an IMU has no position
      cursor.getData(IMU).position;
      // @ts-expect-error a moment is in bigint
      block.cursor(offsetNs);
      // @ts-expect-error a cursor is moved by next() alone
      cursor.offsetNs = 0;
      void [x, topic, time, kept];
    }
  }
  for await (const block of (await handler.topicHandler("gps")).getDataStreamer().batches()) {
    const cursor = block.cursor();
    if (cursor.next()) void cursor.getData(GPS).position.x.toFixed();
  }
  void [seven, writer, text];

  const rows = handler.getSyncStreamer({
    periodNs: 10n,
    startNs: new Date(),
    fields: {
      latitude: { topic: "gps", field: "position.x", policy: "linear" },
      frame: { topic: "gps", field: "header.frame_id" },
    },
  });
  for await (const { values } of rows) {
    const latitude: number | undefined = values.latitude;
    // @ts-expect-error what is on a line is a number, or missing
    const north: string = values.latitude;
    // Of other fields nobody knows the type.
    const frame: string = values.frame;
    // @ts-expect-error no such field was asked for
    values.latt;
    void [latitude, north, frame];
  }
  const fields: Record<string, SyncField> = {};
  for await (const { values } of handler.getSyncStreamer({ periodNs: 1n, fields })) void values.anything;

  const columns = handler.getColumnStreamer({
    fields: { lat: { topic: "gps", field: "position.x" }, yaw: "angular_velocity.z" },
  });
  for await (const block of columns) {
    const { values } = block.numbers("lat");
    const first: number = values[0];
    const { yaw } = block.columns;
    if (yaw.kind === "text") void yaw.offsets[0];
    // @ts-expect-error not all columns have offsets
    void yaw.offsets;
    // @ts-expect-error no such field was asked for
    block.numbers("latt");
    void first;
  }
  for await (const block of handler.getColumnStreamer({ fields: ["position.x"] })) {
    block.numbers("position.x");
    // @ts-expect-error no such field was asked for
    void block.columns.x;
  }
  const paths: string[] = [];
  for await (const block of handler.getColumnStreamer({ fields: paths })) block.numbers("any");
  // @ts-expect-error a topic's fields are its own
  (await handler.topicHandler("gps")).getColumnStreamer({ fields: { x: { topic: "gps", field: "x" } } });
  // @ts-expect-error which fields?
  handler.getColumnStreamer({});

  const { engine } = client;
  const { name, version, simd }: EngineInfo = engine;
  // @ts-expect-error what decodes is nobody's but smalti's
  engine.createMerger();
  void [name, version, simd];

  GPS.q.timestampNs.between(new Date(0), { epochNanoseconds: 1n });
  sequenceQ.createdNs.geq(new Date());
  const now: bigint = nowNs();
  await handler.latestAt(new Date(Number(now / 1_000_000n)));
  await sequence.attach({ name: "notes", timestampNs: new Date(), createdNs: 1n }, new Uint8Array(1));
  await client.sequenceCreate("s", { ifExists: "replace" });
  // @ts-expect-error no such way
  await client.sequenceCreate("s", { ifExists: "overwrite" });
}
