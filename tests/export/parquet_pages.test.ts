import { expect, it } from "vitest";
import {
  binary,
  connect,
  defineOntology,
  float32,
  float64,
  int64,
  list,
  optional,
  struct,
  utf8,
} from "../../mod.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";

const Mixed = defineOntology("mixed", {
  noise: float64(),
  step: int64(),
  gear: utf8(),
  note: optional(utf8()),
  bytes: binary(),
  scans: list(float32()),
  parts: optional(list(struct({ label: utf8(), weight: optional(float64()) }))),
});

/** What a message says, with all digits. */
async function textsOf(handler: SequenceHandler): Promise<string[]> {
  const texts: string[] = [];
  for await (const [, message] of handler.getDataStreamer()) {
    const { timestamp_ns, data } = message.toJSON();
    texts.push(JSON.stringify([timestamp_ns, data]));
  }
  return texts;
}

it("columns of several pages and row groups, of texts that repeat and bytes that do not compress, come in as they were", async () => {
  await using client = await connect("memory:");
  let state = 1;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0) >>> 0;
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("t", { ontology: Mixed });
    for (let i = 0; i < 3000; i++) {
      const full = topic.push({
        timestampNs: BigInt(i),
        data: {
          noise: next() / 7,
          step: BigInt(i >> 4),
          gear: ["P", "R", "näher", ""][next() % 4],
          ...(i % 3 === 0 && { note: `note ${next()}` }),
          bytes: Uint8Array.from({ length: next() % 1500 }, next),
          scans: Array.from({ length: i % 5 === 0 ? 0 : 90 }, (_, k) => k % 8),
          ...(i % 7 > 0 && {
            parts: Array.from({ length: i % 4 }, (_, k) => ({
              label: `part ${k}`,
              ...(k > 0 && { weight: next() }),
            })),
          }),
        },
      });
      if (full) await full;
    }
  });
  const handler = await client.sequenceHandler("s");
  const parts: Uint8Array[] = [];
  await exportParquet(handler, new WritableStream({ write: (part) => void parts.push(part) }));
  await importParquet(client, new Blob(parts as BlobPart[]), { name: "back", topic: "t" });
  expect(await textsOf(await client.sequenceHandler("back"))).toEqual(await textsOf(handler));
});
