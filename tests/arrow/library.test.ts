import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import { arrowLoader, type ArrowSource, noArrow } from "../../src/arrow/library.ts";
import { connect as connectSlim } from "../../src/entry/slim.ts";
import { connect, Temperature } from "../../mod.ts";
import { expectError } from "../support/errors.ts";

/** Records one temperature and reads it as a Table, on a client that is closed afterwards. */
async function tableOf(connecting: ReturnType<typeof connect>): Promise<arrow.Table> {
  await using client = await connecting;
  await client.sequenceCreate("oven", {}, async (sequence) => {
    const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
    await topic.push({ timestampNs: 1n, data: { value: 300 } });
  });
  return await (await client.topicHandler("oven", "chamber")).getDataStreamer().toTable();
}

describe("option arrow", () => {
  it("is the library itself or a function that imports it", async () => {
    for (const source of [arrow, () => import("apache-arrow")]) {
      const table = await tableOf(connectSlim("memory:", { arrow: source }));
      expect(table).toBeInstanceOf(arrow.Table);
      expect(table.numRows).toBe(1);
    }
  });

  it("is preferred to the library that the entry brings", async () => {
    let calls = 0;
    const source = () => {
      calls++;
      return Promise.resolve(arrow);
    };
    expect((await tableOf(connect("memory:", { arrow: source }))).numRows).toBe(1);
    expect(calls).toBe(1);
  });

  it("is not called before a Table is asked for", async () => {
    const source = () => Promise.reject(new Error("not now"));
    await using client = await connectSlim("memory:", { arrow: source });
    await client.sequenceCreate("oven", {}, async (sequence) => {
      const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
      await topic.push({ timestampNs: 1n, data: { value: 300 } });
    });
    const topic = await client.topicHandler("oven", "chamber");
    for await (const { data } of topic.getDataStreamer()) expect(data.value).toBe(300);
    await expect(topic.getDataStreamer().toTable()).rejects.toThrow("not now");
  });

  it("refuses what is not apache-arrow", async () => {
    await expect(connectSlim("memory:", { arrow: {} as ArrowSource })).rejects.toThrow(TypeError);
    const load = arrowLoader(() => Promise.resolve({} as ArrowSource) as never);
    await expect(load()).rejects.toThrow("What option arrow returned is not apache-arrow");
  });
});

describe("an entry without apache-arrow", () => {
  it("says what to install and how to hand it in", async () => {
    const text =
      'npm install apache-arrow, and hand it in: connect(url, { arrow: () => import("apache-arrow") })';
    await expectError(() => tableOf(connectSlim("memory:")), "UNSUPPORTED", text);
    await expectError(noArrow, "UNSUPPORTED", text);
  });
});
