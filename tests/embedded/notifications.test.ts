import { describe, expect, it } from "vitest";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { readAll } from "../../src/store/store.ts";
import type { NotificationPlace as Where } from "../../src/types.ts";
import { expectError } from "../support/errors.ts";
import { makeStore, PLACES } from "../support/places.ts";
import { engine } from "../support/tables.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { text } from "../contract/store.ts";

const FILE = "s/sequence.notifications";
const SEQUENCE: Where = { sequence: "s" };
const TOPIC: Where = { sequence: "s", topic: "a" };
/** As versions before wrote it. */
const OLD = JSON.stringify({
  notifications: [
    {
      topic: "a",
      type: "error",
      message: "of a",
      created: "2026-01-02T03:04:05.000Z",
    },
    { type: "error", message: "zwei: ü", created: "2026-01-02T03:04:06.000Z" },
  ],
});

describe.each(PLACES)("Notifications in %s", (place) => {
  async function withBackend(
    body: (backend: EmbeddedBackend, store: WatchedStore) => Promise<void>,
  ): Promise<void> {
    const { store, dispose } = await makeStore(place);
    const watched = new WatchedStore(store);
    const backend = new EmbeddedBackend(watched, engine);
    try {
      await (await backend.createSequence("s", {})).finalize();
      await body(backend, watched);
    } finally {
      await dispose();
    }
  }

  async function messages(
    backend: EmbeddedBackend,
    where: Where,
  ): Promise<string[]> {
    return (await backend.listNotifications(where)).map(({ message }) => message);
  }

  /** The calls that change the file from now on. */
  function changes(store: WatchedStore): string[] {
    return store.calls.splice(0).filter((call) => /^(append|sync|replace|create|move|remove) /.test(call));
  }

  it("are added as a line each, which is made durable", async () => {
    await withBackend(async (backend, store) => {
      await backend.notify(SEQUENCE, "first");
      changes(store);
      for (let i = 0; i < 20; i++) {
        const size = await store.size(FILE);
        await backend.notify(i % 2 ? SEQUENCE : TOPIC, `line\n${i}`);
        expect(changes(store)).toEqual([`append ${FILE}`, `sync ${FILE}`]);
        const bytes = await readAll(store, FILE);
        expect(
          new TextDecoder().decode(bytes.subarray(size)).match(/\n/g)!.length,
        ).toBe(1);
      }
      const odd = Array.from({ length: 10 }, (_, i) => `line\n${2 * i + 1}`);
      expect(await messages(backend, SEQUENCE)).toEqual(["first", ...odd]);
      expect((await messages(backend, TOPIC)).length).toBe(10);
    });
  });

  it("of which the last was cut off as it was written are read without it, and added to", async () => {
    await withBackend(async (backend, store) => {
      for (const message of ["one", "two", "zwölf"]) {
        await backend.notify(SEQUENCE, message);
      }
      const whole = await readAll(store, FILE);
      const lines = new TextDecoder().decode(whole).split("\n");
      const start = whole.length -
        new TextEncoder().encode(`${lines.at(-2)}\n`).length;
      for (let cut = start; cut < whole.length; cut++) {
        await store.replace(FILE, whole.subarray(0, cut));
        expect(await messages(backend, SEQUENCE)).toEqual(["one", "two"]);
        await backend.notify(SEQUENCE, "three");
        expect(await messages(backend, SEQUENCE)).toEqual([
          "one",
          "two",
          "three",
        ]);
      }
    });
  });

  it("keep the newest 1000 of each place, and the file does not grow without bound", async () => {
    await withBackend(async (backend, store) => {
      const lines = Array.from(
        { length: 1000 },
        (_, i) => `{"type":"error","message":"old ${i}","created":"${new Date(i).toISOString()}"}`,
      );
      const other = `{"topic":"a","type":"error","message":"of a","created":"${new Date(0).toISOString()}"}`;
      const header = '{"format":"smalti notifications","version":2}';
      await store.replace(FILE, text([header, other, ...lines, ""].join("\n")));
      for (let i = 0; i < 3; i++) await backend.notify(SEQUENCE, `new ${i}`);
      const kept = await messages(backend, SEQUENCE);
      expect([kept.length, kept[0], kept.at(-1)]).toEqual([
        1000,
        "old 3",
        "new 2",
      ]);

      changes(store);
      let most = 0;
      let trims = 0;
      const long = "x".repeat(2000);
      for (let i = 0; i < 300; i++) {
        await backend.notify(TOPIC, i % 100 === 0 ? `mark ${i}` : long);
        trims += changes(store).filter((call) => call === `replace ${FILE}`).length;
        most = Math.max(most, await store.size(FILE));
      }
      expect(trims).toBeGreaterThan(0);
      // Not each time: that would write all of it again for each line.
      expect(trims).toBeLessThan(10);
      expect((await messages(backend, SEQUENCE)).length).toBe(1000);
      expect((await messages(backend, TOPIC)).length).toBe(301);
      expect(most).toBeLessThan(3_000_000);
    });
  });

  it("are trimmed to what is kept where the file has grown", async () => {
    await withBackend(async (backend, store) => {
      const line = `{"type":"error","message":"${"x".repeat(100)}","created":"${
        new Date(0).toISOString()
      }"}\n`;
      await store.replace(
        FILE,
        text(
          `{"format":"smalti notifications","version":2}\n${line.repeat(5000)}`,
        ),
      );
      await backend.notify(SEQUENCE, "last");
      expect(await store.size(FILE)).toBeLessThan(1001 * line.length);
      expect((await messages(backend, SEQUENCE)).length).toBe(1000);
      expect((await messages(backend, SEQUENCE)).at(-1)).toBe("last");
    });
  });

  it("of the form before are read, and added to", async () => {
    await withBackend(async (backend, store) => {
      await store.replace(FILE, text(OLD));
      expect(await backend.listNotifications(TOPIC)).toEqual([
        {
          ...TOPIC,
          type: "error",
          message: "of a",
          created: new Date("2026-01-02T03:04:05.000Z"),
        },
      ]);
      expect(await messages(backend, SEQUENCE)).toEqual(["zwei: ü"]);
      await backend.notify(TOPIC, "more");
      await backend.notify(SEQUENCE, "drei");
      expect(await messages(backend, SEQUENCE)).toEqual(["zwei: ü", "drei"]);
      expect(await messages(backend, TOPIC)).toEqual(["of a", "more"]);
      changes(store);
      await backend.notify(SEQUENCE, "vier");
      expect(changes(store)).toEqual([`append ${FILE}`, `sync ${FILE}`]);
      await store.replace(FILE, text(OLD));
      await backend.clearNotifications(TOPIC);
      expect([
        await messages(backend, SEQUENCE),
        await messages(backend, TOPIC),
      ]).toEqual([["zwei: ü"], []]);
    });
  });

  it("are CORRUPT where a whole line is damaged, and cleared all the same with their sequence", async () => {
    await withBackend(async (backend, store) => {
      await backend.notify(SEQUENCE, "one");
      await backend.notify(SEQUENCE, "two");
      const bytes = await readAll(store, FILE);
      bytes[new TextDecoder().decode(bytes).indexOf('"one"')] = 0;
      await store.replace(FILE, bytes);
      const error = await expectError(
        () => backend.listNotifications(SEQUENCE),
        "CORRUPT",
      );
      expect(error.details).toMatchObject({ sequence: "s", file: FILE });
      await backend.deleteSequence("s");
      expect(await store.list("")).toEqual([]);
    });
  });
});
