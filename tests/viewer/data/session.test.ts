import { expect, it } from "vitest";
import { connect } from "../../../src/entry/browser.ts";
import { GPS } from "../../../src/api.ts";
import type { SeriesAnswer } from "../../../src/viewer/data/protocol.ts";
import { open, valueOf } from "./opened.ts";

it("opens and draws", async () => {
  await using library = await connect("memory:");
  await library.sequenceCreate("drive", {}, async (sequence) => {
    const gps = await sequence.topicCreate("gps/front", { ontology: GPS });
    for (let i = 0; i < 1000; i++) {
      await gps.push({
        timestampNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n,
        data: { position: { x: i, y: -i, z: 0 } },
      });
    }
  });
  await using opened = await open(library, "drive");
  const { client, info } = opened;
  expect(info.topics.map(({ name, rows }) => [name, rows])).toEqual([["gps/front", 1000]]);
  const parts: SeriesAnswer[] = [];
  const window = { fromNs: info.firstNs!, toNs: info.lastNs! + 1n };
  valueOf(
    await client.ask("series", 1, { lines: ["gps/front.position.x * 2"], ...window, pixels: 100 }, {
      onPart: (part) => parts.push(part),
    }),
  );
  console.log(
    parts.map((part) =>
      part.shape === "buckets" ? [part.level, part.isFinal, part.x.length, part.min[0], part.max[0]] : part
    ),
  );
  expect(parts.at(-1)!.isFinal).toBe(true);
});
