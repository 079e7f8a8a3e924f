/**
 * A worker for workerd: what the package does there, as JSON. The recordings' URL is in the query.
 *
 * @module
 */
import * as smalti from "smalti";
import * as slim from "smalti/slim";
// @ts-ignore: what the bundler makes of it
import module from "smalti/smalti.wasm";
import { replayBucket, replayFlight } from "./flight.mjs";
import { outcome, recordAndReplay } from "./record.mjs";

export default {
  async fetch(request) {
    const recordings = new URL(request.url).searchParams.get("recordings");
    try {
      const first = await smalti.connect("memory:");
      const second = await smalti.connect("memory:");
      return Response.json({
        flight: await replayFlight(smalti, recordings),
        flightJs: await replayFlight(smalti, recordings, { engine: "js" }),
        flightSlim: await replayFlight(slim, recordings, { wasm: module }),
        flightS3: await replayBucket(smalti, recordings),
        memory: await recordAndReplay(smalti, "memory:"),
        slim: await recordAndReplay(slim, "memory:"),
        shared: first.engine === second.engine,
        directory: await outcome(smalti, "./recordings"),
      });
    } catch (reason) {
      return new Response(reason.stack, { status: 500 });
    }
  },
};
