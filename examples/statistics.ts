/**
 * Reads parts of a recording: statistics within a window, two topics side by side, a stop by signal, an error by its code.
 *
 * Run it after `import_mcap.ts`: `node examples/statistics.ts`
 */
import { connect, SmaltiError } from "smalti";

await using client = await connect("./recordings");
const handler = await client.sequenceHandler("flight");
const window = { startNs: 21_000_000_000n, endNs: 26_000_000_000n }; // the end is exclusive

const fields: Record<string, { count: number; min: number; mean: number; max: number }> = {};
const topics = ["airspeed", "vehicle_air_data"];
for await (const [topic, message] of handler.getDataStreamer({ topics, ...window })) {
  for (const [name, value] of Object.entries(message.toObject().data)) {
    if (typeof value !== "number") continue;
    const field = fields[`${topic} ${name}`] ??= { count: 0, min: Infinity, mean: 0, max: -Infinity };
    field.count++;
    field.min = Math.min(field.min, value);
    field.mean += (value - field.mean) / field.count;
    field.max = Math.max(field.max, value);
  }
}
console.table(fields);

// Side by side, once a second.
const rows = handler.getSyncStreamer({
  periodNs: 1_000_000_000n,
  fields: {
    speed: { topic: "airspeed", field: "true_airspeed_m_s", policy: "linear" },
    altitude: { topic: "vehicle_air_data", field: "baro_alt_meter", policy: "hold" },
  },
  ...window,
});
for await (const { timestampNs, values } of rows) console.log(timestampNs, values.speed, values.altitude);

// Whoever has the signal stops the reading: it rejects with the signal's reason.
const stop = new AbortController();
let count = 0;
try {
  for await (const _ of handler.getDataStreamer({ signal: stop.signal })) {
    if (++count === 1000) stop.abort();
  }
} catch (reason) {
  if (reason !== stop.signal.reason) throw reason;
  console.log(`stopped after ${count} of ${handler.rowCount}`);
}

try {
  await client.sequenceHandler("fligth");
} catch (reason) {
  if (!(reason instanceof SmaltiError) || reason.code !== "NOT_FOUND") throw reason;
  console.log(reason.message);
}
