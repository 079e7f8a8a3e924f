/**
 * Copies of sequences in another store: the same rows, checked; what is cut short is gone on with; nothing of the source, or of
 * what is there already, is changed.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { S3Store } from "../../src/store/s3/s3_store.ts";
import { s3Place } from "../../src/store/s3/s3_options.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { faultsOf, FaultyStore } from "../support/faulty_store.ts";
import { clientOf, makeStore, PLACES } from "../support/places.ts";
import { anyS3Server, s3Installed, S3Server } from "../support/s3_server.ts";
import { allTexts, pushSamples, Sample } from "../support/sample_rows.ts";

/** `Drive` with two topics of two sessions, an attachment, and capitals in a name. */
async function recordDrive(client: Client): Promise<void> {
  await client.sequenceCreate("Drive", { metadata: { car: "red" } }, async (sequence) => {
    await pushSamples(await sequence.topicCreate("Cam/front", { ontology: Sample }), [3, 1, 2]);
    await sequence.attach({ name: "notes.txt", mediaType: "text/plain" }, new TextEncoder().encode("rain"));
  });
  await client.sequenceUpdate("Drive", {}, async (sequence) => {
    await pushSamples(
      await sequence.topicCreate("imu", { ontology: Sample }),
      Array.from({ length: 500 }, (_, i) => i),
    );
  });
}

async function prepare(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await recordDrive(clientOf(store));
  return store;
}

/** All files of a store by their paths. */
async function filesOf(store: Store, path = ""): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of (await store.list(path)).sort()) {
    const below = path === "" ? entry : `${path}/${entry}`;
    const bytes = await readAll(store, below).catch(() => undefined); // a directory
    if (bytes) files.set(below, bytes);
    else for (const [file, of] of await filesOf(store, below)) files.set(file, of);
  }
  return files;
}

/** Rows, metadata, sessions and attachments of `Drive`. */
async function told(store: Store): Promise<unknown> {
  const handler = await clientOf(store).sequenceHandler("Drive");
  const { metadata, sessions, topics, attachments } = handler;
  const notes = await handler.readAttachment(attachments[0]);
  return { metadata, sessions, topics, notes, rows: await allTexts(clientOf(store), "Drive") };
}

describe.each(PLACES)("A copy from memory to %s", (place) => {
  it("is the sequence as it is, and leaves nothing else; the way back too", async () => {
    const source = await prepare();
    const { store, dispose } = await makeStore(place);
    try {
      const seen: number[] = [];
      const onProgress = (bytes: number, total: number) => void seen.push(bytes / total);
      const report = await clientOf(source).copy("Drive", clientOf(store), { onProgress });
      expect(report).toMatchObject({ sequence: "Drive", files: 3, kept: 0 });
      expect(seen.at(-1)).toBe(1);
      expect(await told(store)).toEqual(await told(source));
      const [directory] = await store.list("");
      expect((await store.list(directory)).sort()).toEqual((await source.list(directory)).sort());
      expect((await clientOf(store).sequenceHandler("Drive")).topics.length).toBe(2);
      const back = new MemoryStore();
      await clientOf(store).copy("Drive", clientOf(back));
      expect(await filesOf(back)).toEqual(await filesOf(source));
    } finally {
      await dispose();
    }
  });

  it("is checked where it is there already, and nothing is changed", async () => {
    const source = await prepare();
    const { store, dispose } = await makeStore(place);
    try {
      await clientOf(source).copy("Drive", clientOf(store));
      const faulty = new FaultyStore(store);
      expect(await clientOf(source).copy("Drive", clientOf(faulty))).toMatchObject({ files: 0, kept: 3 });
      const calls = new Set(faulty.calls.map(({ call }) => call));
      for (const call of ["create", "append", "replace", "commit", "move", "remove"]) {
        expect([call, calls.has(call as never)]).toEqual([call, false]);
      }
    } finally {
      await dispose();
    }
  });
});

describe("A copy", () => {
  it("that fails at any call is gone on with, and the source stays as it was", async () => {
    const source = await prepare();
    const before = await filesOf(source);
    const wanted = await told(source);
    const watched = new FaultyStore(new MemoryStore());
    await clientOf(source).copy("Drive", clientOf(watched));
    let failures = 0;
    for (const [number, { call }] of watched.calls.entries()) {
      for (const fault of faultsOf(call)) {
        const target = new MemoryStore();
        const failed = await clientOf(source).copy("Drive", clientOf(new FaultyStore(target, number, fault)))
          .then(() => false, () => true);
        if (failed) failures++;
        const { files, kept } = await clientOf(source).copy("Drive", clientOf(target));
        expect([number, fault, files + kept]).toEqual([number, fault, 3]);
        expect(await told(target)).toEqual(wanted);
      }
    }
    expect(failures).toBeGreaterThan(20);
    expect(await filesOf(source)).toEqual(before);
  });

  it("that was cut short is no sequence, and gives way to one of its name", async () => {
    const source = await prepare();
    const target = new MemoryStore();
    const full = new FaultyStore(target);
    full.commit = () => Promise.reject(new Error("pulled the plug"));
    await thrownBy(() => clientOf(source).copy("Drive", clientOf(full)));
    await expectError(() => clientOf(target).sequenceHandler("Drive"), "NOT_FOUND");
    await clientOf(target).sequenceCreate("Drive", {}, async (sequence) => {
      await pushSamples(await sequence.topicCreate("imu", { ontology: Sample }), [7]);
    });
    expect((await allTexts(clientOf(target), "Drive")).length).toBe(1);
  });

  it("of a damaged file fails, names it, and never becomes a sequence", async () => {
    const source = await prepare();
    const path = "drive!g/imu.arrow";
    const bytes = await readAll(source, path);
    bytes[bytes.length >> 1] ^= 1;
    await source.replace(path, bytes);
    const target = new MemoryStore();
    await expectError(() => clientOf(source).copy("Drive", clientOf(target)), "CORRUPT", "imu");
    await expectError(() => clientOf(target).sequenceHandler("Drive"), "NOT_FOUND");
    // Onto itself it fails too, and the damaged file stays.
    await thrownBy(() => clientOf(source).copy("Drive", clientOf(source)));
    expect(await readAll(source, path)).toEqual(bytes);
  });

  it("is refused where another sequence is, of what is recorded, from and to servers, and once it is stopped", async () => {
    const source = await prepare();
    const target = new MemoryStore();
    await clientOf(target).sequenceCreate("Drive", {}, () => {});
    await expectError(() => clientOf(source).copy("Drive", clientOf(target)), "ALREADY_EXISTS", "Drive");
    await expectError(() => clientOf(source).copy("none", clientOf(target)), "NOT_FOUND", "none");
    const client = clientOf(source);
    const writer = await client.sequenceCreate("now");
    await expectError(() => client.copy("now", clientOf(target)), "LOCKED", "now");
    await writer.abort();
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    expect(
      String(
        await thrownBy(() => client.copy("Drive", clientOf(new MemoryStore()), { signal: stop.signal })),
      ),
    )
      .toContain("enough");
    expect(await thrownBy(() => client.copy("Drive", clientOf(target), { progress: 1 } as object)))
      .toBeInstanceOf(TypeError);
  });
});

const { skipped } = s3Installed(anyS3Server ?? "moto");
describe.skipIf(skipped !== "")(`A copy in an object store${skipped}`, () => {
  it("is the sequence, and comes back as it was", async () => {
    const server = await S3Server.start(anyS3Server!);
    try {
      const source = await prepare();
      const place = () => s3Place(server.url("copies"), server.options({ write: true }));
      const bucket = new S3Store(place());
      const client = clientOf(bucket);
      expect(await clientOf(source).copy("Drive", client)).toMatchObject({ files: 3, kept: 0 });
      expect(await clientOf(source).copy("Drive", client)).toMatchObject({ files: 0, kept: 3 });
      const back = new MemoryStore();
      await client.copy("Drive", clientOf(back));
      expect(await filesOf(back)).toEqual(await filesOf(source));
      await client.close();
    } finally {
      await server.stop();
    }
  }, 60_000);
});
