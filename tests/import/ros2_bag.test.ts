import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bagFiles, readRos2Bag } from "../../src/import/ros2_bag.ts";
import { connect } from "../../mod.ts";
import { importRos2Bag } from "../../src/import/import_ros2_bag.ts";
import { makeTemporary } from "../support/cli_process.ts";
import { zstdCompress } from "./mcap_file.ts";

const yaml = (list: string) => `rosbag2_bagfile_information:\n  version: 5\n${list}  message_count: 7\n`;

describe("bagFiles", () => {
  it.each([
    ["  relative_file_paths:\n    - a_0.db3\n    - a_1.db3\n", ["a_0.db3", "a_1.db3"]],
    ["  relative_file_paths:\r\n  - a_0.mcap\r\n", ["a_0.mcap"]],
    [`  relative_file_paths:\n    - "a \\"1\\".db3"\n    - 'it''s.db3'\n`, [`a "1".db3`, "it's.db3"]],
    ["  relative_file_paths: [a_0.db3, b.db3]\n", ["a_0.db3", "b.db3"]],
    ["  relative_file_paths: []\n", []],
    ["  relative_file_paths:\n    - a.db3 # the only one\n", ["a.db3"]],
    ["  files:\n    - path: a.db3\n", []],
  ])("reads %j", (list, wanted) => expect(bagFiles(yaml(list))).toEqual(wanted));

  it("finds none in other YAML", () => {
    expect(bagFiles("relative_file_paths:\n  - a.db3\n")).toEqual([]);
    expect(bagFiles("")).toEqual([]);
  });
});

describe("readRos2Bag", () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ directory, remove } = await makeTemporary()));
  afterAll(() => remove());

  /** A directory with files, which the metadata need not name. */
  async function bag(name: string, names: readonly string[], files: readonly string[]): Promise<string> {
    const path = join(directory, name);
    await mkdir(path);
    const list = `  relative_file_paths:\n${names.map((name) => `    - ${name}\n`).join("")}`;
    await writeFile(join(path, "metadata.yaml"), yaml(list));
    for (const file of files) await writeFile(join(path, file), "");
    return path;
  }

  it("keeps the order that the metadata gives, and its text", async () => {
    const path = await bag("order", ["b.db3", "a.db3"], ["a.db3", "b.db3", "c.db3"]);
    expect(await readRos2Bag(path)).toEqual({
      files: [join(path, "b.db3"), join(path, "a.db3")],
      metadata: { "ros2.bag_metadata": yaml("  relative_file_paths:\n    - b.db3\n    - a.db3\n") },
    });
  });

  it("finds files that were compressed or decompressed, and never looks outside of the directory", async () => {
    const path = await bag("renamed", ["renamed/a.db3", "b.db3.zstd", "../../c.db3"], [
      "a.db3.zstd",
      "b.db3",
      "c.db3",
    ]);
    expect((await readRos2Bag(path))!.files).toEqual(
      ["a.db3.zstd", "b.db3", "c.db3"].map((name) => join(path, name)),
    );
  });

  it("names a file that is not there", async () => {
    const path = await bag("gone", ["a.db3"], []);
    await expect(readRos2Bag(path)).rejects.toMatchObject({
      code: "NOT_FOUND",
      rawMessage: `${join(path, "metadata.yaml")} names "a.db3", which is not there`,
    });
  });

  it("is undefined of other directories", async () => {
    expect(await readRos2Bag(directory)).toBeUndefined();
    expect(await readRos2Bag(join(directory, "missing"))).toBeUndefined();
  });
});

describe("importRos2Bag", () => {
  const FORMATS = fileURLToPath(new URL("../fixtures/formats/", import.meta.url));
  let directory: string;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ directory, remove } = await makeTemporary()));
  afterAll(() => remove());

  /** A directory with the same file so many times. */
  async function bagOf(name: string, file: string, bytes: Uint8Array): Promise<string> {
    const path = join(directory, name);
    await mkdir(path);
    const files = [1, 0].map((i) => `${i}_${file}`);
    await writeFile(join(path, "metadata.yaml"), yaml(`  relative_file_paths: [${files.join(", ")}]\n`));
    for (const file of files) await writeFile(join(path, file), bytes);
    return path;
  }

  it.each(["talker.db3", "cdr_test.mcap", "talker.db3.zstd"])(
    "takes the files of %s in order",
    async (file) => {
      const bytes = new Uint8Array(await readFile(join(FORMATS, file.replace(".zstd", ""))));
      const path = await bagOf(file, file, file.endsWith(".zstd") ? zstdCompress(bytes) : bytes);
      await using client = await connect("memory:");
      const facts = { name: "s", metadata: { driver: "me" } };
      const { files, sequence } = await importRos2Bag(client, path, facts);
      const count = file.startsWith("talker") ? 20 : 7;
      expect(files).toEqual([1, 0].map((i) => ({ name: join(path, `${i}_${file}`), messageCount: count })));
      expect(sequence.metadata).toMatchObject({
        driver: "me",
        "ros2.bag_metadata": expect.stringContaining(`[1_${file}, 0_${file}]`),
      });
    },
  );

  it("refuses what is no bag, options that it has not, and files of another format", async () => {
    await using client = await connect("memory:");
    await expect(importRos2Bag(client, FORMATS, { name: "s" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("it is no bag of ROS 2"),
    });
    const path = await bagOf("good", "cdr_test.mcap", await readFile(join(FORMATS, "cdr_test.mcap")));
    await expect(importRos2Bag(client, path, { name: "s", color: "red" } as never)).rejects.toThrow("color");
    await cp(join(FORMATS, "talker.db3"), join(path, "0_cdr_test.mcap"));
    await expect(importRos2Bag(client, path, { name: "s" })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(await client.listSequences()).toEqual([]);
  });
});
