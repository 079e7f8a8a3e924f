/**
 * What the type checker has to accept and to refuse of the client. Nothing here runs: `deno check` is the test.
 *
 * @module
 */
import { connect, GPS, IMU, type Message, type SequenceWriter, type TopicWriter } from "../../mod.ts";

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
  // @ts-expect-error a time is a bigint
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
  void [seven, writer, text];
}
