import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { makeTemporary } from "../support/cli_process.ts";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { serving } from "./support.ts";

describe.skipIf(!hasSdk)(`Workers with Mosaico's Python SDK${needsSdk}`, () => {
  it("write a sequence a split, once, however often they try", () =>
    serving({}, async ({ client: results, server }) => {
      const { directory, remove } = await makeTemporary();
      try {
        const store = join(directory, "store");
        const client = await connect(store);
        await client.sequenceCreate("drive", {}, async (sequence) => {
          const topic = await sequence.topicCreate("temp", { ontology: Temperature });
          for (let i = 0; i < 30; i++) {
            await topic.push({ timestampNs: BigInt(i) * 100_000_000n, data: { value: i } });
          }
        });
        await client.close();
        const names = ["drive-0-1000000000", "drive-1000000000-2000000000", "drive-2000000000-2900000001"];
        expect(await runPython("sdk_splits.py", store, `${server.port}`)).toEqual([
          [names[0], "written", "done before"],
          [names[1], "anew", "done before"],
          [names[2], "written", "done before"],
        ]);
        const means: unknown[] = [];
        for (const name of await results.listSequences()) {
          const handler = await results.sequenceHandler(name);
          for await (const [topic, message] of handler.getDataStreamer()) {
            means.push([name, topic, message.timestampNs, message.getData(Temperature).value]);
          }
        }
        expect(means).toEqual(names.map((name, i) => [name, "mean", BigInt(i) * 10n ** 9n, 4.5 + 10 * i]));
      } finally {
        await remove();
      }
    }));
});
