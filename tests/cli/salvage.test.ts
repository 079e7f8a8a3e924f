import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { concat } from "../import/mcap_file.ts";
import { channel, chunk, file, message, messages, metadata, schema } from "../import/mcap_parts.ts";
import { makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";

const definitions = concat([schema(1), channel(1, "/a")]);

describe.skipIf(needsBuild)(`smalti import --salvage and recover --failed${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ directory: store, remove } = await makeTemporary()));
  afterAll(() => remove());

  async function given(name: string, ...records: Uint8Array[]): Promise<string> {
    const path = join(store, `${name}.mcap`);
    await writeFile(path, file(...records));
    return path;
  }

  it("imports what is whole, and says what is not", async () => {
    const bad = chunk(messages(1, 3, 6), { crc: 1 });
    const path = await given(
      "bad",
      chunk(concat([definitions, messages(1, 0, 3)])),
      bad,
      chunk(messages(1, 6, 9)),
    );
    const { code, stdout, stderr } = await smalti("import", path, "--salvage", "--store", store);
    expect([code, stdout]).toEqual([0, "imported 6 messages on 1 topic into bad\n"]);
    expect(stderr).toMatch(
      /^smalti: the file is damaged at byte \d+: Incorrect chunk CRC .*; left out: its messages, from 3 to 9 ns\n/,
    );
    expect(stderr).toMatch(
      /\nsmalti: the file has 1 flaw \(chunk 1\): what is left out is above; all else was imported\n$/,
    );
    expect((await smalti("verify", "bad", "--deep", "--store", store)).code).toBe(0);
  });

  it("tells of 20 flaws, and how many more there are", async () => {
    const late = concat(Array.from({ length: 30 }, () => message(1, 2n ** 63n)));
    const path = await given("late", definitions, messages(1, 0, 2), late);
    const { code, stderr } = await smalti("import", path, "--salvage", "--store", store);
    const lines = stderr.split("\n");
    expect([code, lines.length, lines[20]]).toEqual([0, 23, "smalti: and 10 more"]);
    expect(lines[21]).toContain("the file has 30 flaws (time 30)");
  });

  it("tells of a flaw that costs nothing without it too", async () => {
    const path = await given("twice", definitions, messages(1, 0, 2), metadata("m", ["k", "1"], ["k", "2"]));
    expect(await smalti("import", path, "--store", store)).toEqual({
      code: 0,
      stdout: "imported 2 messages on 1 topic into twice\n",
      stderr: `smalti: metadata "m" has key "k" twice: the last value is kept\n` +
        "smalti: the file has 1 flaw (metadata 1): nothing was lost for it\n",
    });
  });

  it("ends with 1 where nothing is whole, and makes no sequence", async () => {
    const path = await given("none", chunk(definitions, { crc: 1 }));
    const { code, stdout, stderr } = await smalti("import", path, "--salvage", "--store", store);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/nothing in it is whole: .*; no sequence was made\n$/);
    expect((await smalti("ls", "--store", store)).stdout).not.toContain("none");
  });

  it("reads larger records where it is told to", async () => {
    const path = await given("large", definitions, message(1, 1, new Uint8Array(3000)));
    const refused = await smalti("import", path, "--max-record", "2K", "--store", store, "--name", "refused");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("at most 2048 are read")]);
    for (const size of ["4k", "1MiB", "4096"]) {
      expect(
        (await smalti("import", path, "--max-record", size, "--store", store, "--name", `l${size}`)).code,
      ).toBe(0);
    }
    for (const size of ["0", "2T", "-1", "", "1.5M"]) {
      expect((await smalti("import", path, "--max-record", size, "--store", store)).code).toBe(2);
    }
  });

  it("commits what failed before, by name or all of it", async () => {
    for (const name of ["one", "two", "three"]) {
      const path = await given(name, definitions, messages(1, 0, 4), message(1, 2n ** 63n));
      expect((await smalti("import", path, "--store", store)).code).toBe(1);
    }
    expect(await smalti("recover", "one", "--store", store))
      .toEqual({
        code: 0,
        stdout: "one: nothing to recover; it failed: --failed commits what it has\n",
        stderr: "",
      });
    expect(await smalti("recover", "one", "two", "--failed", "--store", store))
      .toEqual({ code: 0, stdout: "one: recovered\ntwo: recovered\n", stderr: "" });
    expect((await smalti("recover", "--failed", "--store", store)).stdout).toContain("three: recovered\n");
    expect((await smalti("ls", "--store", store)).stdout).toMatch(/^three +recovered +1 +4 /m);
    expect((await smalti("rm", "two", "--store", store)).code).toBe(0);
    await using client = await connect(store);
    expect((await client.sequenceHandler("one")).rowCount).toBe(4);
  });
});
