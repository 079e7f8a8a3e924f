/**
 * A worker, or a page, that replays and does nothing else: what its bundle weighs is printed.
 *
 * @module
 */
import { connect } from "smalti";
import { FLIGHT } from "./flight.mjs";

export default {
  async fetch(request) {
    const client = await connect(new URL(request.url).searchParams.get("recordings"));
    const handler = await client.sequenceHandler(FLIGHT);
    let messages = 0;
    for await (const block of handler.getDataStreamer().batches()) messages += block.length;
    return Response.json({ messages });
  },
};
