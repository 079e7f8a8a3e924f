import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { SmaltiError } from "../../src/error.ts";
import type { Store } from "../../src/store/store.ts";
import { readAll } from "../../src/store/store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { expectError } from "../support/errors.ts";
import { onStore } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, Sample, sampleText } from "../support/sample_rows.ts";

// deno-lint-ignore no-explicit-any -- a manifest's JSON, to be damaged anywhere
type Json = any;
const PATH = "s/sequence.json";

/** Two sessions, an attachment, and a sequence beside it. */
async function record(client: Client): Promise<void> {
  await client.sequenceCreate("s", { metadata: { vehicle: "A" } }, async (sequence) => {
    await addTopic(sequence, "gps/front", [1, 2]);
    await sequence.attach(
      { name: "notes", mediaType: "text/plain", timestampNs: 5n },
      Uint8Array.of(1, 2, 3),
    );
  });
  await client.sequenceUpdate("s", {}, async (sequence) => void await addTopic(sequence, "imu", [3]));
  await recordSequence(client, "other", { a: [1] });
}

async function edit(store: Store, change: (json: Json) => unknown): Promise<void> {
  const json = JSON.parse(new TextDecoder().decode(await readAll(store, PATH)));
  change(json);
  await store.replace(PATH, new TextEncoder().encode(JSON.stringify(json)));
}

async function withDamage(
  change: (store: Store) => Promise<void>,
  check: (client: Client) => Promise<void>,
): Promise<void> {
  const store = new MemoryStore();
  await onStore(store, async (client) => {
    await record(client);
    await change(store);
    await check(client);
  });
}

/** Damage to the JSON, and what the error says of it. */
const DAMAGE: [title: string, change: (json: Json) => unknown, text: string][] = [
  ["of another format", (json) => json.format = "zip", `format is not "smalti"`],
  ["without a version", (json) => delete json.version, "manifest.version is undefined: wanted a count"],
  ["without a state", (json) => delete json.state, "manifest.state is undefined: wanted a state"],
  ["in an unknown state", (json) => json.state = "perfect", `manifest.state is "perfect": wanted a state`],
  ["without metadata", (json) => json.metadata = null, "manifest.metadata is null: wanted an object"],
  [
    "without a date",
    (json) => json.created = "yesterday-ish",
    `manifest.created is "yesterday-ish": wanted a date`,
  ],
  ["without topics", (json) => json.topics = {}, "manifest.topics is {}: wanted a list"],
  ["with a topic that is none", (json) => json.topics[1] = null, "manifest.topics[1].name is undefined"],
  [
    "with half a row",
    (json) => json.topics[0].rowCount = 1.5,
    "manifest.topics[0].rowCount is 1.5: wanted a count",
  ],
  [
    "with a negative size",
    (json) => json.topics[0].sizeBytes = -1,
    "manifest.topics[0].sizeBytes is -1: wanted a count",
  ],
  [
    "with a time as a number",
    (json) => json.topics[0].firstNs = 5,
    "manifest.topics[0].firstNs is 5: wanted a time",
  ],
  [
    "with a time that is none",
    (json) => json.topics[0].lastNs = "0x10",
    `manifest.topics[0].lastNs is "0x10": wanted a time`,
  ],
  [
    "with a time outside int64",
    (json) => json.topics[0].lastNs = "9223372036854775808",
    `"9223372036854775808": wanted int64`,
  ],
  ["with a topic outside the directory", (json) => json.topics[0].name = "../other/a", `"../other/a"`],
  [
    "with a topic called by its root",
    (json) => json.topics[0].name = "/imu",
    `topic "/imu" begins with a "/"`,
  ],
  ["with a session's topic that is none", (json) => json.sessions[0].topics = [7], "Topic name 7"],
  [
    "with a session in no state",
    (json) => json.sessions[1].state = "",
    `manifest.sessions[1].state is "": wanted a state`,
  ],
  [
    "with an attachment elsewhere",
    (json) => json.attachments[0].file = "sequence.attachments/../../other/a.arrow",
    "wanted a file among",
  ],
  [
    "with an attachment without checksum",
    (json) => delete json.attachments[0].crc,
    "manifest.attachments[0].crc is undefined",
  ],
];

describe("A damaged manifest", () => {
  it.each(DAMAGE)("%s is CORRUPT, and names the file", async (_, change, text) => {
    await withDamage((store) => edit(store, change), async (client) => {
      const calls = [
        () => client.sequenceHandler("s"),
        () => client.sequenceInfo("s"),
        () => client.sequenceUpdate("s"),
        () => client.topicHandler("s", "imu"),
      ];
      for (const call of calls) {
        const error = await expectError(call, "CORRUPT", "Manifest is damaged");
        expect(error.message).toContain(text);
        expect(error.details).toEqual({ sequence: "s", file: PATH });
      }
      expect(await client.listSequences()).toEqual(["other", "s"]);
      expect(await allTexts(client, "other")).toEqual([sampleText("a", 1n, 0)]);
    });
  });

  it("of a later version is UNSUPPORTED", async () => {
    await withDamage((store) => edit(store, (json) => json.version = 4), async (client) => {
      await expectError(
        () => client.sequenceHandler("s"),
        "UNSUPPORTED",
        "Manifest has version 4: wanted 1 to 3",
      );
    });
  });

  it("of version 1 is read as ever", async () => {
    await withDamage((store) => edit(store, (json) => json.version = 1), async (client) => {
      expect((await allTexts(client, "s")).length).toBe(3);
    });
  });

  it("with members that this version does not know is read all the same", async () => {
    const change = (json: Json) => {
      json.later = { any: 1 };
      json.topics[0].later = [1];
    };
    await withDamage((store) => edit(store, change), async (client) => {
      expect((await allTexts(client, "s")).length).toBe(3);
    });
  });

  it("can be removed, and its name be used again", async () => {
    await withDamage((store) => store.replace(PATH, new Uint8Array(0)), async (client) => {
      await expectError(() => client.sequenceCreate("s"), "ALREADY_EXISTS");
      await client.sequenceDelete("s");
      await recordSequence(client, "s", { imu: [9] });
      expect(await allTexts(client, "s")).toEqual([sampleText("imu", 9n, 0)]);
    });
  });

  it("cut anywhere is CORRUPT", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await record(client);
      const whole = await readAll(store, PATH);
      // The last byte is the line's end.
      for (let length = 0; length < whole.length - 1; length++) {
        await store.replace(PATH, whole.slice(0, length));
        const error = await client.sequenceHandler("s").catch((reason) => reason);
        expect([length, error.code]).toEqual([length, "CORRUPT"]);
      }
    });
  });

  it("with any member changed or gone is read or refused, and never fails otherwise", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await record(client);
      const whole = JSON.parse(new TextDecoder().decode(await readAll(store, PATH)));
      const places: [parent: (json: Json) => Json, key: string][] = [];
      const visit = (value: Json, path: string[]): void => {
        if (typeof value !== "object" || value === null) return;
        for (const key of Object.keys(value)) {
          places.push([(json) => path.reduce((at, step) => at[step], json), key]);
          visit(value[key], [...path, key]);
        }
      };
      visit(whole, []);
      const value = fc.constantFrom(
        undefined,
        null,
        0,
        -1,
        1e300,
        "",
        "..",
        "a/b",
        [],
        {},
        [null],
        true,
        "99999999999999999999",
      );
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...places), value, async ([parent, key], value) => {
          const json = structuredClone(whole);
          parent(json)[key] = value;
          await store.replace(PATH, new TextEncoder().encode(JSON.stringify(json)));
          try {
            const handler = await client.sequenceHandler("s");
            for await (const [topic] of handler.getDataStreamer()) expect(topic).toMatch(/./);
            for (const one of handler.attachments) await handler.readAttachment(one);
          } catch (reason) {
            if (!(reason instanceof SmaltiError)) throw reason;
            expect(["CORRUPT", "UNSUPPORTED", "LOCKED", "NOT_FOUND"]).toContain(reason.code);
          }
        }),
        { numRuns: 400 },
      );
    });
  });
});

describe("SequenceHandler.readAttachment", () => {
  it("is CORRUPT where the bytes are cut or changed, and names the file", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await record(client);
      const handler = await client.sequenceHandler("s");
      const [file] = (await store.list("s/sequence.attachments")).map((name) =>
        `s/sequence.attachments/${name}`
      );
      for (const bytes of [[1, 2], [1, 2, 4], []]) {
        await store.replace(file, Uint8Array.from(bytes));
        const call = () => handler.readAttachment(handler.attachments[0]);
        const error = await expectError(call, "CORRUPT", `Attachment "notes" is cut or does not match`);
        expect(error.details).toEqual({ sequence: "s", file });
      }
      await store.replace(file, Uint8Array.of(1, 2, 3));
      expect(await handler.readAttachment(handler.attachments[0])).toEqual(Uint8Array.of(1, 2, 3));
    });
  });
});

describe("SequenceWriter.attach", () => {
  it("that fails leaves no trace of the attachment in the manifest", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await sequence.topicCreate("a", { ontology: Sample });
        await sequence.attach({ name: "one" }, Uint8Array.of(1));
        const replace = store.replace.bind(store);
        store.replace = () => Promise.reject(new SmaltiError("NO_SPACE", "disk full"));
        const error = await expectError(
          () => sequence.attach({ name: "two" }, Uint8Array.of(2)),
          "NO_SPACE",
          "disk full",
        );
        expect(error.details.sequence).toBe("s");
        store.replace = replace;
        await sequence.attach({ name: "three" }, Uint8Array.of(3));
      });
      await client.sequenceUpdate("s", {}, (sequence) => sequence.attach({ name: "four" }, Uint8Array.of(4)));
      const handler = await client.sequenceHandler("s");
      const kept = await Promise.all(
        handler.attachments.map(async (one) => [one.name, ...await handler.readAttachment(one)]),
      );
      expect(kept).toEqual([["one", 1], ["three", 3], ["four", 4]]);
    });
  });

  it("refuses facts that a manifest could not give back", async () => {
    await onStore(new MemoryStore(), async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const attach = (info: Json) => sequence.attach(info, new Uint8Array(1));
        await expect(attach({ name: 5 })).rejects.toThrow(TypeError);
        await expect(attach({ name: "a", mediaType: 5 })).rejects.toThrow(TypeError);
        await expect(attach({ name: "a", timestampNs: 5 })).rejects.toThrow(TypeError);
        await expect(attach({ name: "a", createdNs: 2n ** 63n })).rejects.toThrow(RangeError);
        await attach({ name: "a", createdNs: 2n ** 63n - 1n });
      });
      expect((await client.sequenceInfo("s")).attachments.map(({ createdNs }) => createdNs)).toEqual([
        2n ** 63n - 1n,
      ]);
    });
  });
});
