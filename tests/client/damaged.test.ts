import { describe, expect, it } from "vitest";
import { type Client, SmaltiError } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { expectError } from "../support/errors.ts";
import { clientOf } from "../support/places.ts";
import { recordSequence, Sample } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";

const MANIFEST = "b/sequence.json";

/** Sequences "a", "b" and "c" with topics "x" and "y"; reading each file may be made to fail. */
async function withSequences(
  body: (client: Client, store: WatchedStore) => Promise<void>,
): Promise<void> {
  const store = new WatchedStore();
  await using client = clientOf(store);
  for (const name of ["a", "b", "c"]) await recordSequence(client, name, { x: [1, 2], y: [3] });
  await body(client, store);
}

/** Makes every read of a file fail. */
function failing(store: WatchedStore, path: string, reason: Error): void {
  store.before = (call, at) => {
    if (call === "read" && at === path) throw reason;
  };
}

const codes = ["CORRUPT", "UNSUPPORTED", "PERMISSION_DENIED", "IO"] as const;
const query = { ontology: Sample.q.serial.geq(0n) };
const namesOf = (hits: { sequence: string }[]) => hits.map(({ sequence }) => sequence);

describe("A sequence that cannot be read", () => {
  it.each(codes)(
    "is an entry with its error in a list, and left out of a query, which tells of it: %s",
    async (code) => {
      await withSequences(async (client, store) => {
        failing(store, MANIFEST, new SmaltiError(code, "no luck"));
        const entries = await client.listSequences({ details: true });
        expect(entries.map(({ name, error }) => [name, error?.code])).toEqual([
          ["a", undefined],
          ["b", code],
          ["c", undefined],
        ]);
        expect(entries[1]).toEqual({ name: "b", error: expect.any(SmaltiError) });
        expect(entries[0]).toEqual(await client.sequenceInfo("a"));
        const told: [string, string][] = [];
        const onError = (name: string, error: SmaltiError) => told.push([name, error.code]);
        expect(namesOf(await client.query(query, { onError }))).toEqual(["a", "c"]);
        expect(told).toEqual([["b", code]]);
        // Whoever does not ask is not told, and gets the others all the same.
        expect(namesOf(await client.query(query))).toEqual(["a", "c"]);
      });
    },
  );

  it("is told once of a query in several parts", async () => {
    await withSequences(async (client, store) => {
      await store.replace(MANIFEST, new TextEncoder().encode("{"));
      const told: string[] = [];
      const either = { ontology: Sample.q.serial.eq(0n).or(Sample.q.serial.eq(1n)) };
      const hits = await client.query(either, { onError: (name, { code }) => told.push(`${name} ${code}`) });
      expect(namesOf(hits)).toEqual(["a", "c"]);
      expect(told).toEqual(["b CORRUPT"]);
    });
  });

  it("is found by a query that matches what is sound of it, and told of", async () => {
    await withSequences(async (client, store) => {
      for (const from of [0, 8]) {
        // The footer at the end of a file, and the batches at its start.
        const path = "b/x.arrow";
        const size = await store.size(path);
        const bytes = (await store.read(path, 0, size)).slice();
        const sound = bytes.slice();
        if (from === 0) bytes.fill(0, size - 200, size);
        else bytes.fill(0xaa, 100, Math.floor(size / 2));
        await store.replace(path, bytes);
        const told: (string | undefined)[][] = [];
        const onError = (name: string, error: SmaltiError) =>
          told.push([name, error.code, error.details.topic]);
        // Nothing but its rows tells of a label.
        const hits = await client.query(
          { ontology: Sample.q.values.any.geq(0).or(Sample.q.serial.geq(0n)) },
          { onError },
        );
        expect(hits.find(({ sequence }) => sequence === "b")?.topics.map(({ name }) => name)).toContain("y");
        expect(namesOf(hits)).toEqual(["a", "b", "c"]);
        expect(told.length).toBeGreaterThan(0);
        for (const one of told) expect(one).toEqual(["b", "CORRUPT", "x"]);
        await store.replace(path, sound);
      }
    });
  });

  it("ends a list and a query where it is not the sequence that fails", async () => {
    await withSequences(async (client, store) => {
      for (const code of ["UNAVAILABLE", "UNAUTHENTICATED", "CLOSED", "ABORTED"] as const) {
        failing(store, MANIFEST, new SmaltiError(code, "gone"));
        await expectError(() => client.listSequences({ details: true }), code, "gone");
        await expectError(() => client.query(query), code, "gone");
      }
      failing(store, MANIFEST, new TypeError("a defect"));
      await expect(client.listSequences({ details: true })).rejects.toThrow("a defect");
      const abort = new AbortController();
      store.before = (_, path) => {
        if (path !== MANIFEST) return;
        abort.abort(new SmaltiError("CORRUPT", "enough"));
        throw new SmaltiError("CORRUPT", "damaged");
      };
      await expectError(() => client.query(query, { signal: abort.signal }), "CORRUPT", "enough");
    });
  });

  it("is told to a server's log, and its clients get the others", async () => {
    await withSequences(async (local, store) => {
      const told: unknown[] = [];
      await using server = await createServer(local, { port: 0, onError: (reason) => told.push(reason) });
      const { connect } = await import("../../mod.ts");
      await using client = await connect(server.url);
      await store.replace(MANIFEST, new TextEncoder().encode("{"));
      expect(namesOf(await client.query(query))).toEqual(["a", "c"]);
      expect(told.map((reason) => [(reason as SmaltiError).code, (reason as SmaltiError).details.sequence]))
        .toEqual([
          ["CORRUPT", "b"],
        ]);
      expect(await client.listSequences()).toEqual(["a", "b", "c"]);
      const entries = await client.listSequences({ details: true });
      expect(entries.map(({ name, error }) => [name, error?.code])).toEqual([["a", undefined], [
        "b",
        "CORRUPT",
      ], ["c", undefined]]);
    });
  });
});
