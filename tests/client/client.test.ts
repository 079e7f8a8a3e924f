import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { type Client, connect, sequenceQ } from "../../mod.ts";
import type { Metadata } from "../../src/types.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { inDirectory, onStore, PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, Sample, sampleText, texts } from "../support/sample_rows.ts";
import { deferred } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

describe("connect", () => {
  it.each([
    "gs://bucket",
    "mem:",
    "MEMORY://",
    "data:,x",
    "FTP:a",
  ])(
    "to %s is UNSUPPORTED",
    async (url) => {
      const reason = await thrownBy(() => connect(url));
      expect(reason).toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining(url) });
      await expectError(() => connect(new URL("ftp://host/x y")), "UNSUPPORTED", "ftp://host/x%20y");
    },
  );

  it("to another scheme names those that there are", async () => {
    await expectError(
      () => connect("s4://bucket"),
      "UNSUPPORTED",
      "wanted a directory, or a URL of file:, memory:, http:, https:, s3:, grpc: or grpc+tls:",
    );
  });

  it("to what is neither text, URL nor store is a TypeError", async () => {
    for (const [place, shown] of [[5, "5"], [undefined, "undefined"], [{ url: "x" }, "an object (Object)"]]) {
      const reason = await thrownBy(() => connect(place as string));
      expect(reason).toBeInstanceOf(TypeError);
      expect(String(reason)).toContain(`Cannot connect to ${shown}: wanted a path, a URL or a store`);
    }
  });

  it("to nothing is INVALID_ARGUMENT", async () => {
    await expectError(() => connect(""), "INVALID_ARGUMENT", "wanted a directory or memory:");
  });

  it("to a path, a file: URL as text and one as an object reaches the same directory", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "with space", "ünï");
      const url = pathToFileURL(path);
      for (const [i, place] of [path, url, String(url), String(url).replace("file:", "FILE:")].entries()) {
        const client = await connect(place);
        await recordSequence(client, `s${i}`, { a: [i] });
        expect((await client.listSequences()).length).toBe(i + 1);
        await client.close();
      }
      expect((await readdir(path)).sort()).toEqual(["s0", "s1", "s2", "s3"]);
    });
  });

  it("makes no directory before there is a sequence", async () => {
    await inDirectory(async (directory) => {
      const client = await connect(join(directory, "later"));
      const text = `No recordings in ${join(directory, "later")}: there is no such directory`;
      const calls = [
        () => client.listSequences(),
        () => client.listSequences({ details: true }),
        () => client.query({ sequence: sequenceQ.name.match("*") }),
        () => client.sequenceHandler("s"),
        () => client.topicHandler("s", "t"),
        () => client.sequenceInfo("s"),
        () => client.sequenceUpdate("s"),
        () => client.sequenceDelete("s"),
        () => client.recover("s"),
        () => client.compact("s"),
        () => client.listSequenceNotifications("s"),
      ];
      for (const call of calls) await expectError(call, "NOT_FOUND", text);
      expect(await readdir(directory)).toEqual([]);
      await client.sequenceCreate("s", {}, () => {});
      expect(await client.listSequences()).toEqual(["s"]);
      await client.sequenceDelete("s");
      expect(await client.listSequences()).toEqual([]);
      await client.close();
    });
  });

  it("to memory: gives each client a place of its own, gone with it", async () => {
    const [first, second] = [await connect("memory:"), await connect("memory:")];
    await recordSequence(first, "s", { a: [1] });
    expect([await first.listSequences(), await second.listSequences()]).toEqual([["s"], []]);
    await first.close();
    await second.close();
    expect(first.engine.name).toBe("wasm");
  });
});

describe.each(PLACES)("Client in %s", (place) => {
  it("listSequences gives the names of every state in ASCII order, with details what their manifests tell", async () => {
    await withClient(place, async (client) => {
      expect([await client.listSequences(), await client.listSequences({ details: true })]).toEqual([[], []]);
      for (const name of ["b", "B", "a-b", "a_b", "a0"]) await recordSequence(client, name, { a: [1] });
      await (await client.sequenceCreate("failed")).abort("why not");
      const open = await client.sequenceCreate("open");
      const names = ["B", "a-b", "a0", "a_b", "b", "failed", "open"];
      expect(await client.listSequences()).toEqual(names);
      expect(await client.listSequences({ details: false })).toEqual(names);
      const infos = await client.listSequences({ details: true });
      expect(infos).toEqual(await Promise.all(names.map((name) => client.sequenceInfo(name))));
      expect(infos.map(({ state }) => state)).toEqual([...Array(5).fill("finalized"), "failed", "recording"]);
      await open.abort();
    });
  });

  it("sequenceDelete takes away a finalized or failed sequence with all it holds, and no other", async () => {
    await withClient(place, async (client) => {
      for (const name of ["s", "s2"]) await recordSequence(client, name, { "a/b": [1], a: [2] });
      await (await client.sequenceCreate("failed")).abort();
      const handler = await client.sequenceHandler("s");
      await client.sequenceDelete("s");
      await client.sequenceDelete("failed");
      expect(await client.listSequences()).toEqual(["s2"]);
      for (
        const call of [
          client.sequenceDelete,
          client.sequenceInfo,
          client.sequenceHandler,
          client.sequenceUpdate,
        ]
      ) {
        await expectError(
          () => (call as (name: string) => Promise<unknown>).call(client, "s"),
          "NOT_FOUND",
          `No sequence "s"`,
        );
      }
      await expectError(() => texts(handler.getDataStreamer()), "NOT_FOUND");
      expect((await allTexts(client, "s2")).length).toBe(2);
    });
  });

  it("sequenceHandler and topicHandler are NOT_FOUND for what is not there, and name it", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1], "a/b": [1] });
      expect((await expectError(() => client.sequenceHandler("S"), "NOT_FOUND", `"S"`)).details).toEqual({
        sequence: "S",
      });
      const error = await expectError(
        () => client.topicHandler("s", "b"),
        "NOT_FOUND",
        `No topic "b" in sequence "s"; it has a, a/b`,
      );
      expect(error.details).toEqual({ sequence: "s", topic: "b" });
      await expectError(() => client.topicHandler("t", "a"), "NOT_FOUND", `No sequence "t"`);
      const handler = await client.sequenceHandler("s");
      await expectError(() => handler.getDataStreamer({ topics: ["a", "a/c"] }), "NOT_FOUND", `"a/c"`);
    });
  });

  it("keeps metadata as JSON has it, free of the caller's objects", async () => {
    await withClient(place, async (client) => {
      const wanted =
        `{"text":"ä\\ud800","list":[1,null,{"deep":true}],"when":"1970-01-01T00:00:00.000Z","__proto__":1}`;
      const metadata = {
        text: "ä\ud800",
        list: [1, null, { deep: true }],
        when: new Date(0),
        gone: undefined,
        ["__proto__"]: 1,
      };
      await client.sequenceCreate("s", { metadata: metadata as unknown as Metadata }, async (sequence) => {
        const topic = await sequence.topicCreate("a", {
          ontology: Sample,
          metadata: metadata as unknown as Metadata,
        });
        sequence.addMetadata({ more: metadata.list as Metadata["list"] });
        metadata.list.length = 0;
        expect(topic.metadata).toEqual(JSON.parse(wanted));
      });
      const handler = await client.sequenceHandler("s");
      expect(JSON.stringify(handler.metadata)).toBe(wanted.replace(/}$/, `,"more":[1,null,{"deep":true}]}`));
      expect(JSON.stringify((await handler.topicHandler("a")).metadata)).toBe(wanted);
    });
  });
});

const circle: Metadata = {};
circle.self = circle;

/** Metadata that JSON has no words for, or changes without a word. */
const UNSAYABLE: [title: string, metadata: unknown, text: string][] = [
  ["an integer of 401 digits", { count: 10n ** 400n }, `"count" is of 401 digits`],
  ["a circle", circle, "circular|cyclic"],
  ["a function", { run: () => 1 }, `"run" is`],
  ["a symbol", { key: Symbol("x") }, `"key" is Symbol(x)`],
  ["NaN", { deep: [{ rate: NaN }] }, `"rate" is NaN`],
  ["Infinity", { rate: -Infinity }, `"rate" is -Infinity`],
  ["a hole in a list", { list: [1, undefined] }, `"1" is undefined`],
  ["a list instead of an object", [1], "wanted an object"],
  ["text instead of an object", "text", "wanted an object"],
];

describe.each(UNSAYABLE)("Metadata with %s", (_, value, text) => {
  it("is a TypeError that says what, and nothing is created", async () => {
    await withClient("memory", async (client) => {
      const metadata = value as Metadata;
      const expectRefused = async (call: () => unknown, what: string) => {
        const reason = await thrownBy(call) as Error;
        expect(reason).toBeInstanceOf(TypeError);
        expect(reason.message).toMatch(`Cannot keep the metadata of ${what}: `);
        expect(reason.message).toMatch(new RegExp(text.replace(/[()]/g, "\\$&"), "i"));
      };
      await expectRefused(() => client.sequenceCreate("s", { metadata }), `sequence "s"`);
      expect(await client.listSequences()).toEqual([]);
      await client.sequenceCreate("s", {}, async (sequence) => {
        await expectRefused(() => sequence.addMetadata(metadata), `sequence "s"`);
        await expectRefused(() => sequence.topicCreate("a", { ontology: Sample, metadata }), `topic "a"`);
        await addTopic(sequence, "a", [1]);
      });
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
    });
  });
});

describe("Client.sequenceCreate and sequenceUpdate", () => {
  it("refuse options that make no sense, before anything is begun", async () => {
    await withClient("memory", async (client) => {
      await recordSequence(client, "there", { a: [1] });
      for (const call of [client.sequenceCreate, client.sequenceUpdate]) {
        const run = (options: object) =>
          (call as (name: string, options: object) => Promise<unknown>).call(client, "there", options);
        expect(await thrownBy(() => run({ errorPolicy: "keep" }))).toBeInstanceOf(TypeError);
        for (const maxBufferedBytes of [0, -1, NaN]) {
          expect(await thrownBy(() => run({ maxBufferedBytes }))).toBeInstanceOf(RangeError);
        }
      }
      const sequence = await client.sequenceUpdate("there");
      expect(await thrownBy(() => sequence.abort("x", "keep" as "report"))).toBeInstanceOf(TypeError);
      await sequence.finalize();
    });
  });
});

/** Every call of a client. */
const CALLS: Record<string, (client: Client) => Promise<unknown>> = {
  listSequences: (client) => client.listSequences(),
  sequenceInfo: (client) => client.sequenceInfo("s"),
  sequenceCreate: (client) => client.sequenceCreate("new"),
  sequenceUpdate: (client) => client.sequenceUpdate("s"),
  sequenceHandler: (client) => client.sequenceHandler("s"),
  topicHandler: (client) => client.topicHandler("s", "a"),
  sequenceDelete: (client) => client.sequenceDelete("s"),
};

describe.each(PLACES)("A closed client in %s", (place) => {
  it("is CLOSED to every call, and so is what it handed out", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1, 2] });
      const handler = await client.sequenceHandler("s");
      const topic = await client.topicHandler("s", "a");
      const streamer = topic.getDataStreamer();
      const { value } = await streamer.next();
      const writer = await client.sequenceCreate("w");
      const written = await addTopic(writer, "a", [1]);
      await client.close();
      await client.close();
      for (const [name, call] of Object.entries(CALLS)) {
        const error = await expectError(() => call(client), "CLOSED", "the client is closed");
        expect([name, error.message]).toEqual([name, error.message]);
      }
      await expectError(() => texts(handler.getDataStreamer()), "CLOSED");
      await expectError(() => texts(topic.getDataStreamer()), "CLOSED");
      await expectError(() => written.push({ timestampNs: 1n, data: { serial: 1, values: [] } }), "CLOSED");
      expect(value!.data.serial).toBe(0n);
    });
  });

  it("closes once, however often it is asked", async () => {
    const store = new WatchedStore();
    const gate = deferred();
    await onStore(store, async (client) => {
      await client.sequenceCreate("s");
      store.before = (call) => (call === "commit" ? gate.promise : undefined);
      const closes = [client.close(), client.close(), client[Symbol.asyncDispose]()];
      gate.resolve();
      await Promise.all(closes);
      expect(store.count("commit", "s/sequence.json")).toBe(2);
    });
  });
});

describe("A directory with other things in it", () => {
  it("lists what may be a sequence, and reads what is one", async () => {
    await inDirectory(async (directory) => {
      await mkdir(join(directory, "empty"));
      await writeFile(join(directory, "readme"), "not a sequence");
      await writeFile(join(directory, "notes.txt"), "no name of one");
      const client = await connect(directory);
      await recordSequence(client, "s", { a: [1] });
      expect(await client.listSequences()).toEqual(["empty", "readme", "s"]);
      expect((await client.listSequences({ details: true })).map(({ name }) => name)).toEqual(["s"]);
      for (const name of ["empty", "readme"]) {
        await expectError(() => client.sequenceHandler(name), "NOT_FOUND", name);
      }
      await recordSequence(client, "empty", { a: [2] });
      expect(await allTexts(client, "empty")).toEqual([sampleText("a", 2n, 0)]);
      await expectError(() => client.sequenceCreate("readme"), "IO", "a file is in the way");
      await client.close();
    });
  });
});
