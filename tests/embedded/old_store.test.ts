/**
 * A store that version 0.1 wrote (see `tests/fixtures/README.md`): every later version reads, checks, recovers, follows
 * and changes it.
 *
 * @module
 */
import { cp, readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  float64,
  type SequenceHandler,
  type SequenceInfo,
} from "../../mod.ts";
import { backendOf } from "../../src/client.ts";
import { expectError } from "../support/errors.ts";
import { plainRow } from "../fixtures/store_v1/plain.ts";
import { inDirectory } from "../support/places.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/store_v1/", import.meta.url));

/** What `expected.json` tells of a sequence; see `make.ts` beside it. */
interface Expected {
  state: string;
  metadata: object;
  sessions: object[];
  topics: Record<
    string,
    {
      ontologyTag: string;
      metadata: object;
      rows: [ns: string, data: object][];
    }
  >;
  attachments: { name: string; text: string }[];
  notifications: Record<string, string[]>;
  left?: {
    topics: string[];
    attachments: string[];
    followed: [topic: string, ns: string][];
  };
}

const SEQUENCES: Record<string, Expected> = JSON.parse(
  await readFile(join(FIXTURE, "expected.json"), "utf8"),
);
const NAMES = Object.keys(SEQUENCES).sort();
const [CRASHED, WHOLE] = [true, false].map((isCrashed) =>
  NAMES.filter((name) => (SEQUENCES[name].left !== undefined) === isCrashed)
);
/** Directories that hold no sequence: what is left of a removal and of a creation. */
const HALVES = ["half_created", "half_removed"];

/** Runs `body` with a client on a copy of the store. */
async function onOldStore(body: (client: Client, directory: string) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    await cp(join(FIXTURE, "store"), directory, { recursive: true });
    // The writers that left their locks died long ago, not when the copy was made.
    for (const name of await readdir(directory, { recursive: true })) {
      if (name.endsWith("sequence.lock")) {
        await utimes(join(directory, name), 1_000, 1_000);
      }
    }
    const client = await connect(directory);
    try {
      await body(client, directory);
    } finally {
      await client.close();
    }
  });
}

/** What a manifest tells, but for what no two recordings share. */
function factsOf({ state, metadata, sessions, topics, attachments }: SequenceInfo): object {
  return {
    state,
    metadata,
    sessions: sessions.map(({ state, reason, topics }) => ({ state, ...(reason && { reason }), topics })),
    topics: Object.fromEntries(
      topics.map(({ name, ontologyTag, metadata, rowCount, firstNs, lastNs }) => [
        name,
        { ontologyTag, metadata, rowCount, firstNs, lastNs },
      ]),
    ),
    attachments: attachments.map(({ name, mediaType, timestampNs, createdNs, sizeBytes }) => ({
      name,
      ...(mediaType !== undefined && { mediaType }),
      ...(timestampNs !== undefined && { timestampNs: String(timestampNs) }),
      ...(createdNs !== undefined && { createdNs: String(createdNs) }),
      sizeBytes,
    })),
  };
}

/** The same of what was recorded. Topics that only a recovery brings back are left out before it. */
function expectedFacts({ state, metadata, sessions, topics, attachments, left }: Expected): object {
  const committed = Object.entries(topics).filter(([name]) => !left?.topics.includes(name));
  return {
    state,
    metadata,
    sessions,
    topics: Object.fromEntries(
      committed.map(([name, { ontologyTag, metadata, rows }]) => [name, {
        ontologyTag,
        metadata,
        rowCount: rows.length,
        firstNs: rows.length > 0 ? BigInt(rows[0][0]) : undefined,
        lastNs: rows.length > 0 ? BigInt(rows.at(-1)![0]) : undefined,
      }]),
    ),
    attachments: attachments.map(({ text, ...rest }) => ({
      ...rest,
      sizeBytes: new TextEncoder().encode(text).length,
    })),
  };
}

/** Expects all rows, one topic at a time and merged, attachments, and that all is sound. */
async function expectHeld(handler: SequenceHandler, expected: Expected): Promise<void> {
  expect(handler.topics.map(({ name }) => name)).toEqual(Object.keys(expected.topics).sort());
  const rows: Record<string, unknown[]> = {};
  for (const { name } of handler.topics) {
    const topic = await handler.topicHandler(name);
    expect([name, await topic.verify({ deep: true })]).toEqual([name, []]);
    rows[name] = [];
    for await (const { timestampNs, data } of topic.getDataStreamer()) {
      rows[name].push([String(timestampNs), plainRow(topic.fields.slice(1), data)]);
    }
    expect({ [name]: rows[name] }).toEqual({ [name]: expected.topics[name].rows });
  }
  expect(await timesOf(handler.getDataStreamer())).toEqual(merged(expected));
  const files = handler.attachments.map(async (attachment) => ({
    name: attachment.name,
    text: new TextDecoder().decode(await handler.readAttachment(attachment)),
  }));
  expect(await Promise.all(files)).toEqual(expected.attachments.map(({ name, text }) => ({ name, text })));
}

async function timesOf(
  stream: AsyncIterable<[string, { timestampNs: bigint }]>,
): Promise<[topic: string, ns: string][]> {
  const times: [string, string][] = [];
  for await (const [topic, { timestampNs }] of stream) {
    times.push([topic, String(timestampNs)]);
  }
  return times;
}

/** Topic and time of all rows, in strict order. */
function merged({ topics }: Expected): [topic: string, ns: string][] {
  const all = Object.entries(topics).flatMap(([topic, { rows }]) =>
    rows.map(([ns]) => ({ topic, ns: BigInt(ns) }))
  );
  all.sort((
    a,
    b,
  ) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0));
  return all.map(({ topic, ns }) => [topic, String(ns)]);
}

/** What is there once it is recovered. */
function recovered(expected: Expected): Expected {
  const { left, state, sessions, attachments } = expected;
  const session = { state: "recovered", reason: "its writer was gone", topics: left!.topics };
  const isFirst = state === "recording";
  const number = sessions.length + (isFirst ? 0 : 1);
  return {
    ...expected,
    state: isFirst ? "recovered" : state,
    sessions: isFirst ? [session] : [...sessions, session],
    // Their names were in the writer's memory alone.
    attachments: [
      ...attachments,
      ...left!.attachments.map((text, i) => ({ name: `${number}-${i + 1}`, text })),
    ],
    left: undefined,
  };
}

const Added = defineOntology("Added", { value: float64() });

/** Expects that a session can be added, and what it adds is read beside what was there. */
async function expectUpdate(client: Client, name: string, expected: Expected): Promise<void> {
  const sequence = await client.sequenceUpdate(name);
  for (const topic of Object.keys(expected.topics)) {
    await expectError(() => sequence.topicCreate(topic, { ontology: Added }), "ALREADY_EXISTS");
  }
  const topic = await sequence.topicCreate("zz/added", {
    ontology: Added,
    metadata: { by: "a later version" },
  });
  await topic.push({ timestampNs: 7n, data: { value: 0.5 } });
  await sequence.attach({ name: "added" }, new TextEncoder().encode("added"));
  await sequence.finalize();
  await expectHeld(await client.sequenceHandler(name), {
    ...expected,
    topics: {
      ...expected.topics,
      "zz/added": { ontologyTag: "Added", metadata: {}, rows: [["7", { value: 0.5 }]] },
    },
    attachments: [...expected.attachments, { name: "added", text: "added" }],
  });
}

describe("A store written by version 0.1", () => {
  it("lists its sequences", async () => {
    await onOldStore(async (client) => {
      const names = (await client.listSequences()).filter((name) => !HALVES.includes(name));
      expect(names).toEqual(NAMES);
      const infos = await client.listSequences({ details: true });
      expect(infos.map(({ name }) => name)).toEqual(NAMES);
    });
  });

  it.each(NAMES)("tells what it knows of %s", async (name) => {
    await onOldStore(async (client) => {
      expect(factsOf(await client.sequenceInfo(name))).toEqual(expectedFacts(SEQUENCES[name]));
    });
  });

  it.each(WHOLE)("replays %s, all of which is sound", async (name) => {
    await onOldStore(async (client) => {
      await expectHeld(await client.sequenceHandler(name), SEQUENCES[name]);
    });
  });

  it.each(WHOLE)("has nothing to recover in %s", async (name) => {
    await onOldStore(async (client) => {
      expect(await client.recover(name)).toEqual({ sequence: name, changed: false, files: [] });
    });
  });

  it.each(CRASHED)(
    "gives all that was flushed when %s is recovered",
    async (name) => {
      await onOldStore(async (client) => {
        const wanted = recovered(SEQUENCES[name]);
        const report = await client.recover(name);
        expect(report.changed).toBe(true);
        const kept = Object.fromEntries(report.files.map((file) => [file.topic, file.rowsKept]));
        expect(kept).toEqual({ begun: 0, long: 45, "nested/short": 6, nothing: 0 });
        expect(factsOf(await client.sequenceInfo(name))).toEqual(expectedFacts(wanted));
        await expectHeld(await client.sequenceHandler(name), wanted);
        await expectUpdate(client, name, wanted);
      });
    },
  );

  it.each(CRASHED)(
    "lets followers read %s up to its last checkpoint",
    async (name) => {
      await onOldStore(async (client) => {
        const handler = await client.sequenceHandler(name, { follow: true });
        const times: [string, string][] = [];
        await expectError(
          async () => {
            for await (const [topic, { timestampNs }] of handler.getDataStreamer({ follow: true })) {
              times.push([topic, String(timestampNs)]);
            }
          },
          "UNAVAILABLE",
          "recover",
        );
        expect(times).toEqual(SEQUENCES[name].left!.followed);
      });
    },
  );

  it("refuses to read or change a sequence that was never finalized before it is recovered", async () => {
    await onOldStore(async (client) => {
      await expectError(() => client.sequenceHandler("crashed"), "LOCKED", "recover");
      await expectError(() => client.sequenceUpdate("crashed"), "LOCKED", "recover");
    });
  });

  it("gives what was committed before a later session's writer died", async () => {
    await onOldStore(async (client) => {
      const expected = SEQUENCES["crashed_update"];
      const { before } = expected.topics;
      await expectHeld(await client.sequenceHandler("crashed_update"), { ...expected, topics: { before } });
    });
  });

  it.each(WHOLE)("takes another session of %s", async (name) => {
    await onOldStore((client) => expectUpdate(client, name, SEQUENCES[name]));
  });

  it("keeps notifications, takes more and forgets them", async () => {
    await onOldStore(async (client) => {
      const { notifications } = SEQUENCES["drive"];
      const sequence = async () =>
        (await client.listSequenceNotifications("drive")).map(({ message }) => message);
      const topic = async () =>
        (await client.listTopicNotifications("drive", "gps/front")).map(({ message }) => message);
      expect([await sequence(), await topic()]).toEqual([notifications[""], notifications["gps/front"]]);
      await backendOf(client).notify({ sequence: "drive" }, "more");
      await backendOf(client).notify({ sequence: "drive", topic: "gps/front" }, "more");
      expect(await sequence()).toEqual([...notifications[""], "more"]);
      await client.clearSequenceNotifications("drive");
      expect([await sequence(), await topic()]).toEqual([[], [...notifications["gps/front"], "more"]]);
      await client.clearTopicNotifications("drive", "gps/front");
      expect(await topic()).toEqual([]);
    });
  });

  it("lets every sequence, and what is left of one, be deleted, with nothing left behind", async () => {
    await onOldStore(async (client, directory) => {
      for (const name of [...NAMES, "half_removed"]) {
        await client.sequenceDelete(name);
      }
      expect((await readdir(directory)).filter((name) => name !== "half_created")).toEqual([]);
    });
  });

  it.each(HALVES)(
    "lets %s be created anew, without what was there before",
    async (name) => {
      await onOldStore(async (client) => {
        await expectError(() => client.sequenceInfo(name), "NOT_FOUND");
        await (await client.sequenceCreate(name)).finalize();
        expect((await client.sequenceInfo(name)).topics).toEqual([]);
        await client.recover(name);
        expect((await client.sequenceInfo(name)).topics).toEqual([]);
      });
    },
  );
});
