/**
 * From an MCAP file to a recording, from that to two typed fields, and to JSON lines.
 *
 * Run it: `node examples/import_mcap.ts`. Then `npx smalti types flight` writes TypeScript for all topics and fields.
 */
import { connect, defineOntology, float64, optional } from "smalti";
import { createFile, exportJsonLines } from "smalti/export";
import { importMcap, openFile } from "smalti/import";

await using client = await connect("./recordings");
const file = await openFile("examples/px4-vtol-flight/flight.mcap");
const imported = await importMcap(client, file, { name: "flight", integers: "number" });
console.log(`imported ${imported.messageCount} messages on ${imported.topics.length} topics`);

// The fields that are wanted; a recording may have more. JSON's fields may be missing, so they are optional.
const Place = defineOntology("px4/vehicle_gps_position", {
  lat: optional(float64()),
  lon: optional(float64()),
});
const handler = await client.sequenceHandler("flight");
const gps = await handler.topicHandler("vehicle_gps_position");
for await (const message of gps.getDataStreamer()) {
  const { lat = NaN, lon = NaN } = message.getData(Place);
  console.log(message.timestampNs, lat * 1e-7, lon * 1e-7);
}

const exported = await exportJsonLines(handler, await createFile("gps.ndjson"), { topics: [gps.name] });
console.log(`exported ${exported.messageCount} messages`);
