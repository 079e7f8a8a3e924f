/**
 * What the package does in a page, as one line of JSON on the console.
 *
 * @module
 */
import { replayBucket, replayFlight } from "./flight.mjs";
import { outcome, recordAndReplay } from "./record.mjs";

/** Replays the recordings beside the server's root and records in memory. */
export async function report(smalti, options) {
  try {
    const first = await smalti.connect("memory:");
    const second = await smalti.connect("memory:");
    const result = {
      flight: await replayFlight(smalti, new URL("/recordings/", location.href), options),
      flightJs: await replayFlight(smalti, new URL("/recordings/", location.href), { engine: "js" }),
      flightS3: await replayBucket(smalti, new URL("/recordings/", location.href), options),
      memory: await recordAndReplay(smalti, "memory:", options),
      forced: await outcome(smalti, "memory:", { ...options, engine: "wasm" }),
      shared: first.engine === second.engine,
      directory: await outcome(smalti, "./recordings"),
    };
    console.log(`result ${JSON.stringify(result)}`);
  } catch (reason) {
    console.log(`failed ${reason.stack}`);
  }
}
