import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { exported, imported } from "./mcap_exports.ts";

const python = process.env.SMALTI_PYTHON;
const script = fileURLToPath(new URL("python_mcap.py", import.meta.url));

describe.skipIf(!python)("Python's mcap and rosbags", () => {
  it.each(["every_type.mcap", "cdr_test.db3", "protobuf.mcap"])(
    "decode what %s goes out as",
    async (name) => {
      await using client = await connect("memory:");
      const handler = await imported(client, name);
      const directory = await mkdtemp(join(tmpdir(), "smalti-python-"));
      try {
        const file = join(directory, "out.mcap");
        await writeFile(file, await exported(handler));
        const isRos = name !== "protobuf.mcap";
        const text = execFileSync(python!, [script, file, ...(isRos ? ["--ros"] : [])], { encoding: "utf8" });
        const { messages, bag } = JSON.parse(text) as { messages: string[][]; bag: string[][] };
        const wanted: string[][] = [];
        for await (const [topic, message] of handler.getDataStreamer()) {
          wanted.push([
            String(handler.topics.find((t) => t.name === topic)!.metadata["mcap.topic"]),
            String(message.timestampNs),
          ]);
        }
        wanted.sort();
        expect(messages.map(([topic, , ns]) => [topic, ns]).sort()).toEqual(wanted);
        if (isRos) expect(bag.map(([topic, ns]) => [topic, ns]).sort()).toEqual(wanted);
        const types = new Map(messages.map(([topic, type]) => [topic, type]));
        for (const [topic, , type] of bag) expect([topic, type]).toEqual([topic, types.get(topic)]);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  );
});
