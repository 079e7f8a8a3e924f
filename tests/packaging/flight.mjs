/**
 * Replays the example flight, wherever there is the web's `crypto`.
 *
 * @module
 */

/** The name of the flight's sequence. */
export const FLIGHT = "flight";

/** Replays all of it; the hash is the one in flight.expected.json, over a line `<timestamp_ns> /<topic> <row>` a message. */
export async function replayFlight(smalti, url, options) {
  const client = await smalti.connect(url, options);
  const result = await replay(client);
  await client.close();
  return result;
}

/** As {@linkcode replayFlight}, by signed requests for a bucket: a web server with ranges answers these too. */
export async function replayBucket(smalti, url, options) {
  const { origin, pathname } = new URL(url);
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  return await replayFlight(smalti, `s3:/${pathname}`, { ...options, s3: { endpoint: origin, credentials } });
}

/** As {@linkcode replayFlight}, with a client that is connected. */
export async function replay(client) {
  const handler = await client.sequenceHandler(FLIGHT);
  const rows = new Map();
  let text = "";
  let messages = 0;
  for await (const block of handler.getDataStreamer().batches()) {
    for (const [topic, { timestampNs }] of block) {
      const row = rows.get(topic) ?? 0;
      rows.set(topic, row + 1);
      text += `${timestampNs} /${topic} ${row}\n`;
    }
    messages += block.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { engine: client.engine.name, messages, sha256 };
}
