/**
 * Prints a sequence in order while another process records it, such as `websocket_server.ts`, and ends with it.
 *
 * Run it: `deno run -A examples/follow.ts drive`
 */
import process from "node:process";
import { connect } from "smalti";

await using client = await connect("./recordings");
const handler = await client.sequenceHandler(process.argv[2], { follow: true });
const stream = handler.getDataStreamer({
  follow: true,
  onLate: (topic, { timestampNs }) => console.error(`${topic} at ${timestampNs} came too late`),
});
for await (const [, message] of stream) console.log(JSON.stringify(message));
