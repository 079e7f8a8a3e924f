import { McapWriter } from "@mcap/core";
import { type Client, connect } from "../../mod.ts";
import { GPS } from "../../src/ontology/builtin/mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { binary, float64, int64, list, optional, utf8 } from "../../src/ontology/field.ts";

const SECOND = 1_000_000_000n;
/** Time of the first message of {@linkcode recordDrive}. */
export const DRIVE_START_NS: bigint = 1_700_000_000n * SECOND;

/** Fields that JSON does not take as they are, and the overflow column of an import. */
const Odd = defineOntology("Odd", {
  count: int64(),
  text: utf8(),
  bytes: optional(binary()),
  values: list(float64()),
  _json: optional(utf8()),
});
const Noise = defineOntology("Noise", { value: float64() });

/** Runs `body` with a client on a directory. */
export async function withClient<R>(
  store: string,
  body: (client: Client) => Promise<R>,
): Promise<R> {
  const client = await connect(store);
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Sequence "drive": gps/front each second for 10 s, odd with ties and late rows, an empty topic; an attachment. */
export async function recordDrive(store: string): Promise<void> {
  await withClient(
    store,
    (client) =>
      client.sequenceCreate(
        "drive",
        { metadata: { vehicle: "A\u001b[31m" } },
        async (sequence) => {
          const gps = await sequence.topicCreate("gps/front", {
            ontology: GPS,
          });
          const odd = await sequence.topicCreate("odd", { ontology: Odd });
          await sequence.topicCreate("empty", { ontology: GPS });
          await sequence.attach(
            { name: "notes.txt", mediaType: "text/plain" },
            new TextEncoder().encode("sunny"),
          );
          for (let i = 0; i <= 10; i++) {
            const timestampNs = DRIVE_START_NS + BigInt(i) * SECOND;
            await gps.push({
              timestampNs,
              data: { position: { x: i, y: 9.19, z: 122 } },
            });
          }
          for (const i of [0, 5, 5, 3, 10]) {
            const timestampNs = DRIVE_START_NS + BigInt(i) * SECOND;
            const count = 2n ** 53n + BigInt(i);
            const data = {
              count,
              text: `line\n"${i}" é`,
              bytes: new Uint8Array([i]),
              values: [i, 0.5],
            };
            await odd.push({
              timestampNs,
              data: i === 3 ? { ...data, _json: "{}" } : data,
            });
          }
        },
      ),
  );
}

/** Sequence "boot", on a clock that counts from boot: two messages `gapNs` apart. */
export async function recordBoot(store: string, gapNs: bigint): Promise<void> {
  await withClient(
    store,
    (client) =>
      client.sequenceCreate("boot", {}, async (sequence) => {
        const topic = await sequence.topicCreate("noise", { ontology: Noise });
        await topic.push({ timestampNs: 20_220_677_001n, data: { value: 1 } });
        await topic.push({
          timestampNs: 20_220_677_001n + gapNs,
          data: { value: 2 },
        });
      }),
  );
}

/** Sequence "noise": topics a and b of rows that do not compress, so that most of a file is data. */
export async function recordNoise(store: string, rows: number): Promise<void> {
  await withClient(
    store,
    (client) =>
      client.sequenceCreate("noise", {}, async (sequence) => {
        for (const name of ["a", "b"]) {
          const topic = await sequence.topicCreate(name, { ontology: Noise });
          for (let i = 0; i < rows; i++) {
            await topic.push({
              timestampNs: BigInt(i) * 1_000_000n,
              data: { value: Math.sin(i) },
            });
          }
        }
      }),
  );
}

/** An MCAP file with one topic of messages in JSON. */
export async function mcapFile(messages: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const writer = new McapWriter({
    writable: {
      position: () => BigInt(size),
      write: (bytes: Uint8Array) => {
        parts.push(bytes.slice());
        size += bytes.length;
        return Promise.resolve();
      },
    },
  });
  await writer.start({ profile: "", library: "test" });
  const schema = {
    type: "object",
    properties: { value: { type: "number" }, text: { type: "string" } },
  };
  const data = new TextEncoder().encode(JSON.stringify(schema));
  const schemaId = await writer.registerSchema({
    name: "Thing",
    encoding: "jsonschema",
    data,
  });
  const channelId = await writer.registerChannel({
    topic: "/thing",
    schemaId,
    messageEncoding: "json",
    metadata: new Map(),
  });
  for (let i = 0; i < messages; i++) {
    const time = BigInt(i) * 1_000_000n;
    await writer.addMessage({
      channelId,
      sequence: i,
      logTime: time,
      publishTime: time,
      data: new TextEncoder().encode(
        JSON.stringify({ value: i, text: `message ${i}` }),
      ),
    });
  }
  await writer.end();
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
