import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectError } from "../support/errors.ts";
import { inDirectory, PLACES, withClient } from "../support/places.ts";
import { addTopic, recordSequence, sampleText, texts } from "../support/sample_rows.ts";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../mod.ts";

/** No names, whatever they are to name. */
const NO_NAMES: unknown[] = [
  "",
  "/",
  "//",
  ".",
  "..",
  "../a",
  "a/..",
  "a/../b",
  "a/./b",
  "a//b",
  "a/",
  "//a",
  "a.b",
  "a.arrow",
  "sequence.json",
  "ä",
  "日本",
  "a b",
  " a",
  "a ",
  "a\n",
  "\ta",
  "a\0",
  "a\\b",
  "C:a",
  "a:b",
  "-a",
  "_a",
  "/-a",
  "a%2fb",
  "a*",
  "~",
  "$a",
  "a\u200b",
  "\ud800",
  "ａ",
  "a?b",
  "a#b",
  "a+b",
  "a,b",
  "a'b",
  `a"b`,
  undefined,
  null,
  5,
  true,
  {},
  [],
  ["a"],
  Symbol("a"),
];
/** Names of topics, and so of no sequence. */
const PATHS = ["a/b", "/a", "a/-b", "a/_", "0/1/2", "gps/front_left/raw-1"];
const NAMES = ["a", "A", "0", "9z", "drive_log_01", "a-", "a_", "z".repeat(100)];

const show = (name: unknown) => typeof name === "string" ? JSON.stringify(name) : String(name);
const titled = (names: readonly unknown[]) => names.map((name) => [show(name), name as string] as const);

describe.each(titled([...NO_NAMES, ...PATHS]))("The sequence name %s", (_, name) => {
  it("is INVALID_NAME wherever one is taken, and touches nothing", async () => {
    await inDirectory(async (directory) => {
      const inner = join(directory, "store", "deep");
      const client = await connect(inner);
      await recordSequence(client, "kept", { a: [1] });
      const calls = {
        sequenceCreate: () => client.sequenceCreate(name),
        sequenceCreateWith: () => client.sequenceCreate(name, {}, () => {}),
        sequenceUpdate: () => client.sequenceUpdate(name),
        sequenceHandler: () => client.sequenceHandler(name),
        sequenceInfo: () => client.sequenceInfo(name),
        sequenceDelete: () => client.sequenceDelete(name),
        topicHandler: () => client.topicHandler(name, "a"),
      };
      for (const call of Object.values(calls)) {
        await expectError(call, "INVALID_NAME", "Sequence name", "wanted letters, digits");
      }
      expect(await client.listSequences()).toEqual(["kept"]);
      await client.close();
      expect([await readdir(directory), await readdir(join(directory, "store"))]).toEqual([["store"], [
        "deep",
      ]]);
    });
  });
});

describe.each(titled(NO_NAMES))("The topic name %s", (_, name) => {
  it("is INVALID_NAME wherever one is taken, names the sequence, and touches nothing", async () => {
    await withClient("directory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await addTopic(sequence, "kept", [1]);
        const error = await expectError(
          () => addTopic(sequence, name, []),
          "INVALID_NAME",
          "Topic name",
          "wanted letters",
        );
        expect(error.details).toEqual({ sequence: "s" });
      });
      const handler = await client.sequenceHandler("s");
      expect(handler.topics.map(({ name }) => name)).toEqual(["kept"]);
      await expectError(() => client.topicHandler("s", name), "INVALID_NAME", "Topic name");
      await expectError(() => handler.topicHandler(name), "INVALID_NAME", "Topic name");
      await expectError(() => handler.getDataStreamer({ topics: [name] }), "INVALID_NAME", "Topic name");
    });
  });
});

describe.each(PLACES)("Long names in %s", (place) => {
  const part = "z".repeat(200);
  /** Of 1000 characters. */
  const path = [part, part, part, part, "z".repeat(196)].join("/");

  it("are taken up to their bounds, and files are put in place beside them", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, part, { [path]: [1], [part]: [1] });
      expect(
        (await client.listSequences({ details: true })).map(({ topics }) => topics!.map(({ name }) => name)),
      )
        .toEqual([[part, path]]);
      expect(await texts((await client.sequenceHandler(part)).getDataStreamer({ topics: [path] })))
        .toEqual([sampleText(path, 1n, 0)]);
    });
  });

  it("are INVALID_NAME beyond, which says how long they are and repeats their beginning", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const long = "z".repeat(100_000);
      const cases: [call: () => unknown, seen: string][] = [
        [() => client.sequenceCreate(`${part}z`), "has 201 characters: wanted at most 200"],
        [() => client.sequenceInfo(long), "has 100000 characters: wanted at most 200"],
        [() => client.sequenceInfo(`${long}/`), "100001 characters): wanted letters"],
        [() => addTopic(sequence, `a/${part}z`, []), "has a part of 201 characters: wanted at most 200"],
        [() => addTopic(sequence, `${path}z`, []), "has 1001 characters: wanted at most 1000"],
        [() => addTopic(sequence, long, []), "has 100000 characters: wanted at most 1000"],
      ];
      for (const [call, seen] of cases) {
        const error = await expectError(call, "INVALID_NAME", seen);
        expect(error.message.length).toBeLessThan(400);
      }
    });
  });
});

describe.each(PLACES)("Names in %s", (place) => {
  it("that follow the rule name sequences and topics", async () => {
    await withClient(place, async (client) => {
      for (const name of NAMES) await recordSequence(client, name, { [name]: [1] });
      expect(await client.listSequences()).toEqual([...NAMES].sort());
      await client.sequenceCreate("topics", {}, async (sequence) => {
        for (const name of [...NAMES, ...PATHS]) {
          if (name !== "/a") await addTopic(sequence, name, [1]);
        }
      });
      const wanted = [...NAMES, ...PATHS].filter((name) => name !== "/a").sort();
      const handler = await client.sequenceHandler("topics");
      expect(handler.topics.map(({ name }) => name)).toEqual(wanted);
      expect(await texts(handler.getDataStreamer())).toEqual(wanted.map((name) => sampleText(name, 1n, 0)));
    });
  });

  it("of topics may begin with a slash wherever one is taken, and are given without", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await addTopic(sequence, "/gps/front", [1]);
        expect([topic.name, [...sequence.topics.keys()]]).toEqual(["gps/front", ["gps/front"]]);
        await expectError(() => addTopic(sequence, "gps/front", []), "ALREADY_EXISTS", `topic "gps/front"`);
      });
      const handler = await client.sequenceHandler("s");
      expect((await handler.topicHandler("/gps/front")).name).toBe("gps/front");
      expect((await client.topicHandler("s", "/gps/front")).info.name).toBe("gps/front");
      const wanted = [sampleText("gps/front", 1n, 0)];
      expect(await texts(handler.getDataStreamer({ topics: ["/gps/front", "gps/front"] }))).toEqual(wanted);
    });
  });

  it("outside the rule are refused, whatever they are", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: "binary", maxLength: 6 }), async (name) => {
          if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) {
            await expectError(() => client.sequenceCreate(name), "INVALID_NAME");
          }
          if (!/^\/?[A-Za-z0-9]([A-Za-z0-9_-]|\/(?=[A-Za-z0-9_-]))*$/.test(name)) {
            await expectError(() => addTopic(sequence, name, []), "INVALID_NAME");
          }
        }),
        { numRuns: 300 },
      );
      expect([await client.listSequences(), sequence.topics.size]).toEqual([["s"], 0]);
    });
  });
});
