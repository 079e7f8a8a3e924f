/**
 * What a store is on file systems that do not tell capitals from small letters, and where an older version named files.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { topicFileOf, topicOf } from "../../src/embedded/file_names.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { CaseBlindStore } from "../support/case_blind_store.ts";
import { expectError } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { clientOf, inDirectory, makeStore, onStore, PLACES } from "../support/places.ts";
import { expectPortable } from "../support/portable.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";
import { WebServer } from "../support/web_server.ts";

const LONG = "Ab".repeat(100);
const SEQUENCES = [LONG, "CON", "DRIVE", "Drive", "com1", "con", "drive"];
const TOPICS = ["CAM/LEFT", "Cam/left", `a/${LONG}`, "cam/Left", "cam/left", "con", "nul/Aux", "sequence"];

/** Records a row on each topic: its time tells topic and sequence. */
async function record(client: Client, sequence: string, topics: readonly string[] = TOPICS): Promise<void> {
  const from = 10 * SEQUENCES.indexOf(sequence);
  await recordSequence(client, sequence, Object.fromEntries(topics.map((topic, i) => [topic, [from + i]])));
}

function recorded(sequence: string, topics: readonly string[] = TOPICS): string[] {
  const from = 10 * SEQUENCES.indexOf(sequence);
  return topics.map((topic, i) => sampleText(topic, BigInt(from + i), 0));
}

async function pathsOf(store: Store, path = ""): Promise<string[]> {
  const entries = await store.list(path);
  if (entries.length === 0) return [path];
  const paths = entries.map((entry) => pathsOf(store, path === "" ? entry : `${path}/${entry}`));
  return (await Promise.all(paths)).flat();
}

async function expectAll(client: Client): Promise<void> {
  expect(await client.listSequences()).toEqual(SEQUENCES);
  for (const name of SEQUENCES) {
    const handler = await client.sequenceHandler(name);
    expect(handler.topics.map((topic) => topic.name)).toEqual(TOPICS);
    expect(await allTexts(client, name)).toEqual(recorded(name));
    for (const topic of TOPICS) {
      expect(await (await handler.topicHandler(topic)).verify({ deep: true })).toEqual([]);
    }
  }
}

/** Gives a sequence the names and the manifest that an older version gave it. */
async function makeOld(store: Store, place: string, name: string): Promise<void> {
  const moved = [];
  for (const path of await pathsOf(store, place)) {
    const [file, suffix] = path.slice(place.length + 1).split(/(?=\.arrow$)/);
    const old = suffix === undefined ? file : topicOf(file) + suffix;
    let bytes = await readAll(store, path);
    if (old === "sequence.json") {
      const manifest = JSON.parse(new TextDecoder().decode(bytes));
      bytes = new TextEncoder().encode(JSON.stringify({ ...manifest, version: 2 }, null, 2));
    }
    moved.push([old, bytes] as const);
  }
  await store.remove(place);
  for (const [old, bytes] of moved) await store.replace(`${name}/${old}`, bytes);
}

describe.each(PLACES)("Names in %s", (place) => {
  it("that differ in case alone, of devices and long ones are all kept apart, under names that every system takes", async () => {
    const { store, dispose } = await makeStore(place);
    try {
      const client = clientOf(store);
      for (const name of SEQUENCES) await record(client, name);
      await expectAll(client);
      const open = await client.sequenceUpdate("Drive");
      await addTopic(open, "Added/BY", [99]);
      await open.flush();
      expectPortable(await pathsOf(store));
      await open.abort();
      for (const name of SEQUENCES) {
        await client.sequenceDelete(name);
        await expectError(() => client.sequenceInfo(name), "NOT_FOUND");
      }
      expect(await store.list("")).toEqual([]);
    } finally {
      await dispose();
    }
  });

  it("are those of the topics that a recovery finds", async () => {
    const { store, dispose } = await makeStore(place);
    try {
      const living = new MemoryStore();
      await onStore(living, async (client) => {
        const sequence = await client.sequenceCreate("Drive");
        for (const [i, topic] of TOPICS.entries()) await addTopic(sequence, topic, [30 + i]);
        await sequence.flush();
        await copyFiles(living, store);
        await sequence.abort();
      });
      const client = clientOf(store);
      const { files } = await client.recover("Drive");
      expect(files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual(
        TOPICS.map((topic) => [topic, 1]),
      );
      expect(await allTexts(client, "Drive")).toEqual(recorded("Drive"));
      expect(await client.recover("Drive")).toMatchObject({ changed: false });
    } finally {
      await dispose();
    }
  });
});

describe("A store copied to a file system that does not tell capitals from small letters", () => {
  it("is the same store, and takes more", async () => {
    const [store, copy] = [new MemoryStore(), new CaseBlindStore(new MemoryStore())];
    await onStore(store, async (client) => {
      for (const name of SEQUENCES) await record(client, name);
      await copyFiles(store, copy);
    });
    await onStore(copy, async (client) => {
      await expectAll(client);
      for (const name of SEQUENCES) {
        await client.sequenceDelete(name);
        await record(client, name);
      }
      await expectAll(client);
    });
  });

  it.each(["drive", "DRIVE"])("does not give %s of an older version for Drive", async (other) => {
    const store = new CaseBlindStore(new MemoryStore());
    await onStore(store, async (client) => {
      // Of topics that differ in case alone an older version could not have made files there.
      const topics = ["Cam/left", "con"];
      await record(client, other, topics);
      await makeOld(store, topicFileOf(other), other);
      expect(await allTexts(client, other)).toEqual(recorded(other, topics));
      await expectError(() => client.sequenceInfo("Drive"), "NOT_FOUND");
      await expectError(() => client.sequenceDelete("Drive"), "NOT_FOUND");
      await record(client, "Drive");
      expect(await allTexts(client, "Drive")).toEqual(recorded("Drive"));
      expect(await allTexts(client, other)).toEqual(recorded(other, topics));
      await client.sequenceDelete("Drive");
      expect(await client.listSequences()).toEqual([other]);
    });
  });
});

describe.each(PLACES)("A sequence with the names of an older version in %s", (place) => {
  async function onOld(name: string, body: (client: Client, store: Store) => Promise<void>): Promise<void> {
    const { store, dispose } = await makeStore(place);
    try {
      const client = clientOf(store);
      await record(client, name);
      await makeOld(store, topicFileOf(name), name);
      await body(client, store);
    } finally {
      await dispose();
    }
  }

  it.each(["Drive", "con", "drive"])("is read as %s, takes a session, and is compacted", async (name) => {
    await onOld(name, async (client, store) => {
      expect(await client.listSequences()).toEqual([name]);
      expect(await allTexts(client, name)).toEqual(recorded(name));
      expect(await client.recover(name)).toEqual({ sequence: name, changed: false, files: [] });
      const sequence = await client.sequenceUpdate(name);
      await expectError(() => addTopic(sequence, "Cam/left", []), "ALREADY_EXISTS");
      await addTopic(sequence, "ZZ", [99]);
      await sequence.finalize();
      const all = ["CAM/LEFT", "Cam/left", "ZZ", ...TOPICS.slice(2)];
      const { topics } = await client.sequenceInfo(name);
      expect(topics.map((topic) => topic.name)).toEqual(all);
      const row = sampleText("ZZ", 99n, 0);
      expect(await allTexts(client, name)).toEqual([...recorded(name), row]);
      expect((await store.list(name)).includes("zz!o.arrow")).toBe(true);
      await client.compact(name);
      expect(await client.recover(name)).toEqual({ sequence: name, changed: false, files: [] });
      expect(await client.listSequences()).toEqual([name]);
    });
  });

  it("keeps its name from another of it, which may replace it", async () => {
    await onOld("Drive", async (client, store) => {
      await expectError(() => client.sequenceCreate("Drive"), "ALREADY_EXISTS");
      await client.sequenceCreate(
        "Drive",
        { ifExists: "replace" },
        (sequence) => addTopic(sequence, "New", [5]),
      );
      expect(await allTexts(client, "Drive")).toEqual([sampleText("New", 5n, 0)]);
      expect(await store.list("")).toEqual(["Drive"]);
      await record(client, "drive");
      await client.sequenceDelete("Drive");
      expect(await client.listSequences()).toEqual(["drive"]);
      await record(client, "Drive");
      expect((await store.list("")).sort()).toEqual(["drive", "drive!g"]);
    });
  });

  it("is followed while the older version records it", async () => {
    const { store, dispose } = await makeStore(place);
    try {
      const living = new MemoryStore();
      await onStore(living, async (client) => {
        const sequence = await client.sequenceCreate("Drive");
        for (const topic of ["Cam/left", "con"]) await addTopic(sequence, topic, [1, 2]);
        await sequence.flush();
        await copyFiles(living, store);
        await sequence.abort();
      });
      await makeOld(store, "drive!g", "Drive");
      const handler = await clientOf(store).sequenceHandler("Drive", { follow: true });
      const rows: string[] = [];
      await expectError(async () => {
        for await (const [topic, { timestampNs }] of handler.getDataStreamer({ follow: true })) {
          rows.push(`${topic} ${timestampNs}`);
        }
      }, "UNAVAILABLE");
      expect(rows).toEqual(["Cam/left 1", "con 1"]);
    } finally {
      await dispose();
    }
  });

  it("is recovered by what its files are called", async () => {
    await onOld("Drive", async (client, store) => {
      const text = new TextDecoder().decode(await readAll(store, "Drive/sequence.json"));
      const { sessions, topics, ...manifest } = JSON.parse(text);
      const left = {
        ...manifest,
        state: "recording",
        topics: [],
        sessions: [{ ...sessions[0], state: "recording", topics: [] }],
      };
      await store.replace("Drive/sequence.json", new TextEncoder().encode(JSON.stringify(left)));
      const report = await client.recover("Drive");
      expect(report.files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual(
        topics.map(({ name }: { name: string }) => [name, 1]),
      );
      expect(await allTexts(client, "Drive")).toEqual(recorded("Drive"));
    });
  });
});

describe("Names over HTTP", () => {
  it("cost no request more, but those of older versions", async () => {
    await inDirectory(async (directory) => {
      const writer = await connect(directory);
      for (const name of ["drive", "Drive", "con"]) await record(writer, name);
      const store = new DirectoryStore(directory);
      await makeOld(store, "con!", "con");
      await store.close();
      await writer.close();
      const server = await WebServer.start(directory);
      try {
        const client = await connect(server.url);
        const manifests = async (name: string) => {
          const before = server.asked.length;
          expect(await allTexts(client, name)).toEqual(recorded(name));
          return server.asked.slice(before).map(({ url }) => url).filter((url) => url.endsWith(".json"));
        };
        expect(await manifests("drive")).toEqual(["/drive/sequence.json"]);
        expect(await manifests("Drive")).toEqual(["/drive!g/sequence.json"]);
        expect(new Set(await manifests("con"))).toEqual(
          new Set(["/con!/sequence.json", "/con/sequence.json"]),
        );
        for (const missing of ["nothing", "Nothing"]) {
          await expectError(() => client.sequenceInfo(missing), "NOT_FOUND");
        }
        await client.close();
      } finally {
        await server.stop();
      }
    });
  });
});
