/**
 * smalti records multi-sensor time series to Arrow files and replays them in strict time order.
 *
 * {@linkcode connect} opens a place with recordings. A {@linkcode SequenceWriter} records: create, push, finalize. A
 * {@linkcode SequenceHandler} replays all topics in strict time order, a {@linkcode TopicHandler} one of them.
 *
 * # The order
 *
 * Strict and total: timestamp, then topic name (ASCII), then the order of pushing within the topic. It is the same for
 * every store, engine and runtime, and no two messages compare equal. Messages pushed late come out in their right place.
 *
 * @example
 * ```ts
 * import { connect, GPS } from "smalti";
 *
 * await using client = await connect("memory:");
 *
 * await client.sequenceCreate("drive_log_01", { metadata: { vehicle: "A" } }, async (sequence) => {
 *   const gps = await sequence.topicCreate("gps/front", { ontology: GPS });
 *   await gps.push({ timestampNs: 1_700_000_000_000_000_000n, data: { position: { x: 45.46, y: 9.19, z: 122 } } });
 * });
 *
 * const handler = await client.sequenceHandler("drive_log_01");
 * for await (const [topic, message] of handler.getDataStreamer()) {
 *   console.log(message.timestampNs, topic, message.ontologyTag);
 * }
 * ```
 *
 * @module
 */
export * from "./src/api.ts";
export { connect } from "./src/entry/main.ts";
