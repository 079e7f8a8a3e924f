import { cp, mkdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { FLIGHT, makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";
import { mcapFile, recordBoot, recordDrive, recordNoise } from "./recordings.ts";

describe.skipIf(needsBuild)(`smalti commands${needsBuild}`, () => {
  let store: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ directory: store, remove } = await makeTemporary());
    await recordDrive(store);
    await recordBoot(store, 500_000_000n);
  });
  afterAll(() => remove());

  /** Runs `body` with a store of its own. */
  async function inStore(
    body: (store: string) => Promise<void>,
  ): Promise<void> {
    const { directory, remove } = await makeTemporary();
    try {
      await body(directory);
    } finally {
      await remove();
    }
  }

  /** Changes a manifest's text. */
  async function editManifest(
    store: string,
    name: string,
    edit: (text: string) => string,
  ): Promise<void> {
    const path = join(store, name, "sequence.json");
    await writeFile(path, edit(await readFile(path, "utf8")));
  }

  describe("ls", () => {
    it("lists the sequences as a table", async () => {
      const { code, stdout, stderr } = await smalti("ls", "--store", store);
      expect([code, stderr]).toEqual([0, ""]);
      const [head, boot, drive, ...rest] = stdout.trimEnd().split("\n").map((
        line,
      ) => line.split(/ {2,}/));
      expect(rest).toEqual([]);
      expect(head).toEqual([
        "name",
        "state",
        "topics",
        "messages",
        "first",
        "last",
        "bytes",
      ]);
      expect(boot.slice(0, 6)).toEqual([
        "boot",
        "finalized",
        "1",
        "2",
        "20.220677",
        "20.720677",
      ]);
      expect(drive.slice(0, 6)).toEqual([
        "drive",
        "finalized",
        "3",
        "16",
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:30.000Z",
      ]);
      expect(drive[6]).toMatch(/^[\d.]+ KiB$/);
    });

    it("ends with 1 for a store that is not there, or is a file, as all that reads does", async () => {
      const [nowhere, file] = [join(store, "nowhere"), join(store, "drive", "sequence.json")];
      for (const command of [["ls"], ["verify"], ["recover"], ["compact"], ["info", "s"], ["play", "s"]]) {
        for (const [where, why] of [[nowhere, "there is no such directory"], [file, "it is a file"]]) {
          const { code, stdout, stderr } = await smalti(...command, "--store", where);
          expect([command, code, stdout]).toEqual([command, 1, ""]);
          expect(stderr).toContain(`No recordings in ${where}: ${why}`);
        }
      }
    });

    it("lists the others beside a damaged manifest, and ends with 1", async () => {
      await inStore(async (store) => {
        await recordBoot(store, 1n);
        await recordNoise(store, 2);
        await mkdir(join(store, "not_a_sequence"));
        await editManifest(store, "boot", (text) => text.slice(0, 100));
        const { code, stdout, stderr } = await smalti("ls", "--store", store);
        expect([code, stderr]).toEqual([1, ""]);
        expect(stdout).toMatch(/^boot +damaged: Manifest is damaged/m);
        expect(stdout).toMatch(/^noise +finalized +2 +4 /m);
        expect(stdout).not.toContain("not_a_sequence");
      });
    });

    it("shows a sequence that was never finalized", async () => {
      await inStore(async (store) => {
        await recordBoot(store, 1n);
        await editManifest(
          store,
          "boot",
          (text) => text.replace(`"finalized"`, `"recording"`),
        );
        expect(await smalti("ls", "--store", store)).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/^boot +recording /m),
        });
        expect(await smalti("info", "boot", "--store", store)).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(
            /^state +recording \(.*never finalized/m,
          ),
        });
        expect(await smalti("play", "boot", "--store", store)).toMatchObject({
          code: 1,
          stdout: "",
        });
      });
    });
  });

  describe("info", () => {
    it("prints facts, then a table of the topics", async () => {
      const { code, stdout, stderr } = await smalti(
        "info",
        "drive",
        "--store",
        store,
      );
      expect([code, stderr]).toEqual([0, ""]);
      const [facts, table] = stdout.split("\n\n");
      for (
        const fact of [
          /^sequence +drive$/m,
          /^state +finalized$/m,
          /^first +2023-11-14T22:13:20\.000000000Z \(1700000000000000000 ns\)$/m,
          /^last +2023-11-14T22:13:30\.000000000Z \(1700000010000000000 ns\)$/m,
          /^duration +10\.000 s$/m,
          /^messages +16$/m,
          /^topics +3$/m,
          /^session +\S+Z to \S+Z, 3 topics, finalized$/m,
          /^metadata +vehicle = "A\\u001b\[31m"$/m,
          /^attachment +notes\.txt, text\/plain, 5 B$/m,
        ]
      ) expect(facts).toMatch(fact);
      const rows = table.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
      expect(rows[0]).toEqual([
        "topic",
        "rows",
        "rate",
        "first",
        "last",
        "ontology",
        "bytes",
        "activity",
      ]);
      expect(rows[1].slice(0, 6)).toEqual(["empty", "0", "-", "-", "-", "GPS"]);
      const times = ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:30.000Z"];
      expect(rows[2].slice(0, 6)).toEqual([
        "gps/front",
        "11",
        "1.00 Hz",
        ...times,
        "GPS",
      ]);
      expect(rows[3].slice(0, 6)).toEqual([
        "odd",
        "5",
        "0.400 Hz",
        ...times,
        "Odd",
      ]);
      // Rows at 0, 3, 5, 5 and 10 s of 10.
      expect(table).toContain("▄     ▄   █        ▄\n");
    });

    it("prints seconds for a clock that counts from boot", async () => {
      const { stdout } = await smalti("info", "boot", "--store", store);
      expect(stdout).toMatch(/^first +20\.220677001 s \(20220677001 ns\)$/m);
      expect(stdout).toMatch(/^duration +0\.500000000 s$/m);
      expect(stdout).toMatch(
        /^noise +2 +2\.00 Hz +20\.220677 +20\.720677 +Noise /m,
      );
    });

    it("tells why a session failed", async () => {
      await inStore(async (store) => {
        const file = join(store, "cut.mcap");
        await writeFile(file, (await mcapFile(2000)).subarray(0, -400));
        const recordings = join(store, "recordings");
        const { code, stdout, stderr } = await smalti(
          "import",
          file,
          "--store",
          recordings,
        );
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr).toMatch(/^smalti: Cannot import .*cut\.mcap.* is cut/);
        expect(stderr.trimEnd().split("\n").length).toBe(1);
        const info = await smalti("info", "cut", "--store", recordings);
        expect(info.code).toBe(0);
        expect(info.stdout).toMatch(/^state +failed$/m);
        expect(info.stdout).toMatch(/^session .* failed: .*is cut/m);
      });
    });
  });

  it("info, play, verify, recover and rm end with 1 for an unknown sequence, and say what is like it", async () => {
    for (const command of ["info", "play", "verify", "recover", "rm"]) {
      for (const [name, near] of [["nope", ""], ["dirve", '; did you mean "drive"?']]) {
        expect(await smalti(command, name, "--store", store)).toEqual({
          code: 1,
          stdout: "",
          stderr: `smalti: No sequence "${name}" in ${store}${near}\n`,
        });
      }
    }
  });

  describe("import", () => {
    it("takes a file under its own name, once", async () => {
      await inStore(async (store) => {
        expect(await smalti("import", FLIGHT, "--store", store)).toEqual({
          code: 0,
          stdout: "imported 14604 messages on 70 topics into flight\n",
          stderr: "",
        });
        const again = await smalti("import", FLIGHT, "--store", store);
        expect([again.code, again.stdout]).toEqual([1, ""]);
        expect(again.stderr).toMatch(/^smalti: .*flight.*\n$/);
        expect((await smalti("ls", "--store", store)).stdout).toMatch(
          /^flight +finalized +70 +14604 /m,
        );
      });
    });

    it("takes a name", async () => {
      await inStore(async (store) => {
        await writeFile(join(store, "one.mcap"), await mcapFile(1));
        expect(
          await smalti(
            "import",
            join(store, "one.mcap"),
            "--name",
            "other",
            "--store",
            store,
          ),
        ).toEqual({
          code: 0,
          stdout: "imported 1 message on 1 topic into other\n",
          stderr: "",
        });
      });
    });

    it("ends with 1 for a file that is not there or no MCAP", async () => {
      await inStore(async (store) => {
        const missing = await smalti(
          "import",
          join(store, "none.mcap"),
          "--store",
          store,
        );
        expect(missing).toMatchObject({ code: 1, stdout: "" });
        expect(missing.stderr).toMatch(/^smalti: Cannot open .*none\.mcap/);
        await writeFile(join(store, "text.mcap"), "no recording at all");
        const text = await smalti(
          "import",
          join(store, "text.mcap"),
          "--store",
          store,
        );
        expect(text).toMatchObject({ code: 1, stdout: "" });
        expect(text.stderr).toMatch(/^smalti: .*no MCAP file.*\n$/);
        expect((await smalti("ls", "--store", store)).stdout).toBe("");
      });
    });
  });

  describe("verify", () => {
    it("says ok for each topic and attachment", async () => {
      expect(await smalti("verify", "drive", "--store", store)).toEqual({
        code: 0,
        stdout: "empty: ok, 0 rows\ngps/front: ok, 11 rows\nodd: ok, 5 rows\n" +
          "attachment notes.txt: ok, 5 bytes\ndrive: ok, 3 topics, 16 rows\n",
        stderr: "",
      });
    });

    it("finds a flipped bit, says where it is, and goes on", async () => {
      await inStore(async (store) => {
        await recordNoise(store, 20_000);
        const file = join(store, "noise", "a.arrow");
        const bytes = await readFile(file);
        bytes[bytes.length >> 1] ^= 4;
        await writeFile(file, bytes);
        const shallow = await smalti("verify", "noise", "--store", store);
        expect([shallow.code, shallow.stdout]).toEqual([
          0,
          "a: ok, 20000 rows\nb: ok, 20000 rows\nnoise: ok, 2 topics, 40000 rows\n",
        ]);
        const { code, stdout, stderr } = await smalti("verify", "noise", "--deep", "--store", store);
        expect([code, stderr]).toEqual([1, ""]);
        const [a, b, sum] = stdout.split("\n");
        expect(a).toMatch(
          /^a: damaged: .*checksum.*file noise\/a\.arrow, batch \d+, offset \d+/,
        );
        expect(b).toBe("b: ok, 20000 rows");
        expect(sum).toBe("noise: 1 of 2 damaged");
      });
    });

    it("holds rows and times against the manifest, and checks attachments", async () => {
      await inStore(async (store) => {
        await recordDrive(store);
        await editManifest(
          store,
          "drive",
          (text) => text.replace(`"rowCount": 11`, `"rowCount": 12`),
        );
        await editManifest(store, "drive", (text) => {
          const at = text.lastIndexOf(`"lastNs": "1700000010000000000"`);
          return text.slice(0, at) +
            text.slice(at).replace(
              "1700000010000000000",
              "1700000010000000001",
            );
        });
        await writeFile(
          join(store, "drive", "sequence.attachments", "1-1"),
          "rainy",
        );
        const { code, stdout } = await smalti(
          "verify",
          "drive",
          "--store",
          store,
        );
        expect(code).toBe(1);
        expect(stdout).toMatch(/^empty: ok/m);
        expect(stdout).toMatch(
          /^gps\/front: damaged: Index has 11 rows .*: the manifest has 12/m,
        );
        expect(stdout).toMatch(
          /^odd: damaged: Index has 5 rows .* to 1700000010000000000 ns: .*0000000001 /m,
        );
        expect(stdout).toMatch(/^attachment notes\.txt: damaged: .*checksum/m);
      });
    });
  });

  describe("recover", () => {
    it("commits what a dead writer left, says what was kept and lost, and finds nothing the second time", async () => {
      await inStore(async (store) => {
        await recordDrive(store);
        const client = await connect(store);
        const sequence = await client.sequenceCreate("night");
        const topic = await sequence.topicCreate("a", { ontology: Temperature });
        for (let i = 0; i < 3; i++) {
          await topic.push({ timestampNs: BigInt(i) * 1_000_000_000n, data: { value: i } });
          await sequence.flush();
        }
        // As a crash leaves it: the last batch cut off, the lock gone with its holder.
        const copy = join(store, "crashed");
        await cp(join(store, "night"), copy, { recursive: true });
        await rm(join(copy, "sequence.lock"), { recursive: true });
        await truncate(join(copy, "a.arrow"), (await stat(join(copy, "a.arrow"))).size - 3);
        await sequence.abort();
        await client.close();

        const verified = await smalti("verify", "--store", store);
        expect(verified.code).toBe(1);
        expect(verified.stdout).toContain("crashed: failed: ");
        expect(verified.stdout).toContain("drive: ok, 3 topics, 16 rows\n");

        const { code, stdout } = await smalti("recover", "--store", store);
        expect(code).toBe(1);
        expect(stdout).toMatch(
          /^a: kept 2 rows in 2 batches, the last at \S+; left out .*\ncrashed: recovered\n/,
        );
        expect(stdout).toContain("drive: nothing to recover\n");
        expect(await smalti("recover", "crashed", "--store", store)).toEqual({
          code: 0,
          stdout: "crashed: nothing to recover\n",
          stderr: "",
        });
        expect((await smalti("verify", "crashed", "--deep", "--store", store)).code).toBe(0);
      });
    });

    it("says plainly where no message had reached the disk", async () => {
      await inStore(async (store) => {
        const client = await connect(store);
        const sequence = await client.sequenceCreate("night");
        /** As a crash leaves it now. */
        const crash = async (name: string) => {
          await cp(join(store, "night"), join(store, name), { recursive: true });
          await rm(join(store, name, "sequence.lock"), { recursive: true });
        };
        await crash("none");
        const a = await sequence.topicCreate("a", { ontology: Temperature });
        const b = await sequence.topicCreate("b", { ontology: Temperature });
        for (const topic of [a, b]) await topic.push({ timestampNs: 0n, data: { value: 1 } });
        await crash("unflushed");
        await b.flush();
        await crash("partly");
        await crash("cut");
        await truncate(join(store, "cut", "b.arrow"), (await stat(join(store, "cut", "b.arrow"))).size - 3);
        await sequence.abort();
        await client.close();

        const nothing = "but no message had reached the disk";
        const before = `${nothing}: its writer ended before the first flush\n`;
        const cases: [name: string, code: number, stdout: RegExp][] = [
          ["none", 0, new RegExp(`^none: recovered, ${before}$`)],
          [
            "unflushed",
            0,
            new RegExp(`^([ab]: no message had reached the disk\n){2}unflushed: recovered, ${before}$`),
          ],
          [
            "partly",
            0,
            /^a: no message had reached the disk\nb: kept 1 row in 1 batch, .*\npartly: recovered\n$/,
          ],
          [
            "cut",
            1,
            new RegExp(
              `^a: .*\nb: kept 0 rows in 0 batches; left out .*\ncut: recovered, ${nothing} whole\n$`,
            ),
          ],
        ];
        for (const [name, code, stdout] of cases) {
          const ended = await smalti("recover", name, "--store", store);
          expect([ended.code, ended.stdout]).toEqual([code, expect.stringMatching(stdout)]);
        }
        expect((await smalti("recover", "--help")).stdout).toContain("no message had reached");
      });
    });
  });

  describe("rm", () => {
    it("removes a sequence, a damaged one too", async () => {
      await inStore(async (store) => {
        await recordBoot(store, 1n);
        await recordNoise(store, 2);
        expect(await smalti("rm", "boot", "--store", store)).toEqual({
          code: 0,
          stdout: "removed boot\n",
          stderr: "",
        });
        await editManifest(store, "noise", () => "{");
        expect((await smalti("rm", "noise", "--store", store)).code).toBe(0);
        expect((await smalti("ls", "--store", store)).stdout).toBe("");
      });
    });
  });
});
