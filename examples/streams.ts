/**
 * smalti's streams are plain WHATWG streams, so they compose with `@std/streams` and with each other.
 *
 * Run it with `deno run -A examples/streams.ts` after `import_mcap.ts` or `npx deno task demo` made `./recordings`.
 */
import { connect } from "npm:smalti";
import { mergeReadableStreams, toText } from "jsr:@std/streams@1";

await using client = await connect("./recordings");
const handler = await client.sequenceHandler("flight");

// Out: messages become lines, lines become bytes; the file system sets the pace.
const lines = new TransformStream<[string, unknown], string>({
  transform: ([, message], controller) => controller.enqueue(JSON.stringify(message) + "\n"),
});
const file = await Deno.create("flight.ndjson");
await handler.getDataStreamer({ topics: ["vehicle_gps_position"] }).toReadableStream()
  .pipeThrough(lines)
  .pipeThrough(new TextEncoderStream())
  .pipeTo(file.writable);

// In: what comes out of one recording goes into another; the disk sets the pace.
await client.sequenceCreate("copy", {}, async (sequence) => {
  const { defineOntology, float64 } = await import("npm:smalti");
  const Altitude = defineOntology("Altitude", { alt: float64({ unit: "mm" }) });
  const topic = await sequence.topicCreate("altitude", { ontology: Altitude });
  const gps = await handler.topicHandler("vehicle_gps_position");
  await gps.getDataStreamer().toReadableStream()
    .pipeThrough(
      new TransformStream({
        transform: ({ timestampNs, data }, controller) =>
          controller.enqueue({ timestampNs, data: { alt: Number(data.alt) } }),
      }),
    )
    .pipeTo(topic.toWritableStream());
});

// Two recordings as one text, in no order: for order, open one streamer over both topics.
const text = (name: string) =>
  handler.getDataStreamer({ topics: [name] }).toReadableStream()
    .pipeThrough(new TransformStream<[string, unknown], string>({
      transform: ([topic], controller) => controller.enqueue(`${topic}\n`),
    }));
console.log((await toText(mergeReadableStreams(text("vehicle_air_data"), text("airspeed")))).length);
