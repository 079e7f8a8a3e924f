import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { connectFor } from "../../src/entry/web.ts";
import { inDirectory } from "../support/places.ts";
import { WebServer } from "../support/web_server.ts";

const WASM = fileURLToPath(new URL("../../src/engine/generated/smalti.wasm", import.meta.url));

describe("connectFor", () => {
  it("asks for the manifest of its sequence while the engine is loaded, and once", async () => {
    await inDirectory(async (directory) => {
      await using recorder = await connect(directory);
      await recorder.sequenceCreate("Drive", {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Temperature });
        await topic.push({ timestampNs: 1n, data: { value: 300 } });
      });
      await copyFile(WASM, join(directory, "smalti.wasm"));
      const server = await WebServer.start(directory);
      try {
        const manifests = () => server.asked.filter(({ url }) => url.endsWith("/sequence.json")).length;
        // An engine that comes after the manifest was asked for: who waited for it first would wait for ever.
        let tell = () => {};
        const told = new Promise<void>((resolve) => tell = resolve);
        server.trick = ({ url }) => {
          if (url.endsWith("/sequence.json")) tell();
          return url.endsWith(".wasm") ? { wait: told } : {};
        };
        await using client = await connectFor("Drive")(server.url, { wasm: `${server.url}smalti.wasm` });
        const handler = await client.sequenceHandler("Drive");
        expect(handler.rowCount).toBe(1);
        expect(manifests()).toBe(1);
        // What is asked for later is as it is then.
        await client.sequenceHandler("Drive");
        expect(manifests()).toBe(2);
      } finally {
        await server.stop();
      }
    });
  });

  it("tells of a sequence that is not there as any other place does", async () => {
    await inDirectory(async (directory) => {
      const server = await WebServer.start(directory);
      try {
        await using client = await connectFor("drive")(server.url, { engine: "js" });
        await expect(client.sequenceHandler("drive")).rejects.toMatchObject({ code: "NOT_FOUND" });
      } finally {
        await server.stop();
      }
    });
  });
});
