import { describe, expect, it } from "vitest";
import type { Backend, SequenceSink } from "../../src/backend.ts";
import type { SmaltiError } from "../../src/error.ts";
import type { NotificationPlace } from "../../src/types.ts";
import { expectError } from "../support/errors.ts";
import type { PlaceOptions } from "../support/places.ts";
import {
  ALL,
  create,
  fill,
  rowsOf,
  SCHEMA,
  type TestBackend,
  topicCases,
  wantedRows,
} from "./backend_topics.ts";
import { sessionCases } from "./backend_sessions.ts";
import { codeOf, text } from "./store.ts";

/** A new, empty backend and what takes it away again. */
export interface BackendUnderTest {
  backend: Backend;
  dispose(): Promise<void>;
}

/** What changes a sequence as a whole: not while a session is open. */
const WHOLE = ["deleteSequence", "recoverSequence", "compactSequence"] as const;

/** All that `src/backend.ts` promises of a backend that can be written. */
export function backendContract(
  name: string,
  makeBackend: (options: PlaceOptions) => Promise<BackendUnderTest>,
): void {
  const test: TestBackend = (title, body, options = {}) =>
    it(title, async () => {
      const { backend, dispose } = await makeBackend(options);
      try {
        await body(backend);
      } finally {
        await dispose();
      }
    });

  describe(`Backend contract: ${name}`, () => {
    test("listSequences names sequences of every state, in ASCII order", async (backend) => {
      expect(await backend.listSequences()).toEqual([]);
      await (await create(backend, "b")).finalize();
      await create(backend, "a_recording");
      await (await create(backend, "Z")).abort("report", "why not");
      await (await create(backend, "0")).abort("delete", "why not");
      await (await create(backend, "a-")).finalize();
      expect(await backend.listSequences()).toEqual(["Z", "a-", "a_recording", "b"]);
    });

    test("every call on a sequence that is not there is NOT_FOUND, and names it", async (backend) => {
      await (await create(backend, "other")).finalize();
      for (const call of ["readInfo", "openSequence", "updateSequence", "deleteSequence"] as const) {
        const error = await expectError(() => backend[call]("nowhere"), "NOT_FOUND", "nowhere");
        expect(error.details.sequence).toBe("nowhere");
      }
      expect(await backend.listSequences()).toEqual(["other"]);
    });

    test("notifications are kept in order for a sequence and for a topic, in every state, until cleared", async (backend) => {
      const [sequence, topic] = [{ sequence: "drive" }, { sequence: "drive", topic: "a" }];
      const before = Date.now();
      const sink = await create(backend, "drive", { a: [[1]] });
      await Promise.all([backend.notify(sequence, "one"), backend.notify(sequence, "zwei: ü")]);
      await backend.notify(topic, "of a");
      await sink.abort("report", "why not");
      await backend.notify(sequence, "three");
      const messages = async (place: NotificationPlace) =>
        (await backend.listNotifications(place)).map(({ message }) => message);
      expect(await messages(sequence)).toEqual(["one", "zwei: ü", "three"]);
      const [{ created, ...rest }] = await backend.listNotifications(topic);
      expect(rest).toEqual({ ...topic, type: "error", message: "of a" });
      expect(created.getTime()).toBeGreaterThanOrEqual(before);
      await backend.clearNotifications(sequence);
      expect(await messages(sequence)).toEqual([]);
      expect(await messages(topic)).toEqual(["of a"]);
      await backend.deleteSequence("drive");
      await expectError(() => backend.listNotifications(topic), "NOT_FOUND", "drive");
      await expectError(() => backend.notify(sequence, "late"), "NOT_FOUND", "drive");
      expect(await backend.listSequences()).toEqual([]);
      await create(backend, "drive");
      expect(await messages(topic)).toEqual([]);
    });

    test("of notifications the last 1000 of a place stay", async (backend) => {
      await create(backend, "drive");
      await backend.notify({ sequence: "drive", topic: "a" }, "other");
      for (let i = 0; i < 1002; i++) await backend.notify({ sequence: "drive" }, `${i}`);
      const all = await backend.listNotifications({ sequence: "drive" });
      expect(all.map(({ message }) => Number(message))).toEqual(
        Array.from({ length: 1000 }, (_, i) => i + 2),
      );
      expect(await backend.listNotifications({ sequence: "drive", topic: "a" })).toHaveLength(1);
    });

    test("readInfo tells of a sequence while it is recorded", async (backend) => {
      const before = Date.now();
      await backend.createSequence("drive", { vehicle: "A" });
      const info = await backend.readInfo("drive");
      expect([info.name, info.state, info.metadata]).toEqual(["drive", "recording", { vehicle: "A" }]);
      expect(info.created.getTime()).toBeGreaterThanOrEqual(before);
      expect(info.created.getTime()).toBeLessThanOrEqual(Date.now());
      expect(info.sessions.map(({ state, ended }) => [state, ended])).toEqual([["recording", undefined]]);
    });

    test("createSequence is ALREADY_EXISTS for a name that is taken, whatever the state", async (backend) => {
      await create(backend, "recording", { a: [[1]] });
      await (await create(backend, "finalized", { a: [[1]] })).finalize();
      await (await create(backend, "failed", { a: [[1]] })).abort("report", "why not");
      for (const name of ["recording", "finalized", "failed"]) {
        await expectError(() => backend.createSequence(name, {}), "ALREADY_EXISTS", name);
        expect((await backend.readInfo(name)).state).toBe(name);
      }
      expect(await rowsOf(backend, "finalized", "a")).toEqual(wantedRows("a", [1]));
    });

    test("createSequence of one name, called many times at once, succeeds once", async (backend) => {
      const sinks: SequenceSink[] = [];
      const codes = await Promise.all(
        Array.from(
          { length: 8 },
          () => codeOf(backend.createSequence("drive", {}).then((sink) => sinks.push(sink))),
        ),
      );
      expect(codes.filter((code) => code === "none").length).toBe(1);
      expect(codes.filter((code) => code === "ALREADY_EXISTS" || code === "LOCKED").length).toBe(7);
      await fill(sinks[0], { a: [[1, 2]] });
      await sinks[0].finalize();
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1, 2]));
    });

    test("a sequence being recorded is LOCKED to readers, recovery, compaction and removal", async (backend) => {
      const sink = await create(backend, "drive", { a: [[1]] });
      for (const call of ["openSequence", ...WHOLE] as const) {
        const error = await expectError(() => backend[call]("drive"), "LOCKED");
        expect(error.details.sequence).toBe("drive");
      }
      await sink.finalize();
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1]));
      await (await backend.updateSequence("drive")).finalize();
      await backend.deleteSequence("drive");
    });

    test("a sequence being updated reads as before, and is LOCKED to what changes it as a whole", async (backend) => {
      await (await create(backend, "drive", { a: [[1]] })).finalize();
      const before = await backend.readInfo("drive");
      const sink = await backend.updateSequence("drive");
      await fill(sink, { b: [[2]] });
      expect(await backend.readInfo("drive")).toEqual(before);
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1]));
      for (const call of WHOLE) {
        expect([call, await codeOf(backend[call]("drive"))]).toEqual([call, "LOCKED"]);
      }
      await sink.finalize();
      expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2]));
    });

    test("deleteSequence takes a sequence away whole, and frees its name", async (backend) => {
      for (const state of ["finalize", "abort"]) {
        const sink = await create(backend, "drive", { "gps/front": [[1, 2]], old: [[3]] });
        await sink.attach({ name: "notes", sizeBytes: 3 }, text("abc"));
        await (state === "finalize" ? sink.finalize() : sink.abort("report", "why not"));
        await backend.deleteSequence("drive");
        expect(await backend.listSequences()).toEqual([]);
        expect(await codeOf(backend.openSequence("drive"))).toBe("NOT_FOUND");
      }
      await (await create(backend, "drive", { "gps/front": [[7]] })).finalize();
      const { info } = await backend.openSequence("drive");
      expect(info.topics.map(({ name }) => name)).toEqual(["gps/front"]);
      expect(info.attachments).toEqual([]);
      expect(await rowsOf(backend, "drive", "gps/front")).toEqual(wantedRows("gps/front", [7]));
    });

    test("finalize gives what readInfo and openSequence tell from then on", async (backend) => {
      const sink = await backend.createSequence("drive", { vehicle: "A" });
      await fill(sink, { "b/c": [[-5, 7], [1, 2, 3]], a: [] });
      const info = await sink.finalize();
      expect(info.state).toBe("finalized");
      expect(await backend.readInfo("drive")).toEqual(info);
      expect((await backend.openSequence("drive")).info).toEqual(info);
      const [session] = info.sessions;
      expect(info.sessions.length).toBe(1);
      expect([session.state, session.topics, session.reason]).toEqual(["finalized", ["a", "b/c"], undefined]);
      expect(session.ended!.getTime()).toBeGreaterThanOrEqual(session.created.getTime());
      const [a, bc] = info.topics;
      expect(bc).toMatchObject({
        name: "b/c",
        ontologyTag: "Sample",
        serializationFormat: "ragged",
        metadata: SCHEMA.metadata,
        rowCount: 5,
        firstNs: -5n,
        lastNs: 7n,
        sessionId: session.id,
      });
      expect(bc.sizeBytes).toBeGreaterThan(0);
      expect([a.name, a.rowCount, a.firstNs, a.lastNs]).toEqual(["a", 0, undefined, undefined]);
    });

    test("addMetadata adds to the sequence's metadata at the end; a later key wins", async (backend) => {
      const sink = await backend.createSequence("drive", { vehicle: "A", driver: "B" });
      sink.addMetadata({ driver: "C", weather: "fog" });
      sink.addMetadata({ weather: "sun" });
      expect((await backend.readInfo("drive")).metadata).toEqual({ vehicle: "A", driver: "B" });
      expect((await sink.finalize()).metadata).toEqual({ vehicle: "A", driver: "C", weather: "sun" });
      const update = await backend.updateSequence("drive");
      update.addMetadata({ vehicle: "D" });
      await update.finalize();
      expect((await backend.readInfo("drive")).metadata).toEqual({
        vehicle: "D",
        driver: "C",
        weather: "sun",
      });
    });

    test("updateSequence adds sessions with topics of their own; earlier rows stay", async (backend) => {
      const first = await (await create(backend, "drive", { b: [[1, 2]] }))
        .finalize();
      for (const topic of ["c", "a"]) {
        const sink = await backend.updateSequence("drive");
        await fill(sink, { [topic]: [[3]] });
        await sink.finalize();
      }
      const { sessions, topics, state } = await backend.readInfo("drive");
      expect(state).toBe("finalized");
      expect(sessions[0]).toEqual(first.sessions[0]);
      expect(sessions.map((session) => session.topics)).toEqual([["b"], ["c"], ["a"]]);
      expect(new Set(sessions.map(({ id }) => id)).size).toBe(3);
      expect(topics.map(({ name }) => name)).toEqual(["a", "b", "c"]);
      expect(topics[1]).toEqual(first.topics[0]);
      expect(
        topics.map(({ sessionId }) => sessions.findIndex(({ id }) => id === sessionId)),
      ).toEqual([2, 0, 1]);
      expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [1, 2]));
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [3]));
    });

    test("abort with delete of a first session removes the sequence and frees its name", async (backend) => {
      const sink = await create(backend, "drive", { a: [[1]], "a/b": [[2]] });
      await sink.attach({ name: "notes", sizeBytes: 3 }, text("abc"));
      await sink.abort("delete", "why not");
      expect(await backend.listSequences()).toEqual([]);
      await (await create(backend, "drive", { a: [[5]] })).finalize();
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [5]));
    });

    test("abort with delete of a later session leaves the sequence as it was", async (backend) => {
      const first = await create(backend, "drive", { a: [[1]] });
      await first.attach({ name: "kept", sizeBytes: 3 }, text("abc"));
      const before = await first.finalize();
      const sink = await backend.updateSequence("drive");
      await fill(sink, { b: [[2]] });
      await sink.attach({ name: "dropped", sizeBytes: 1 }, text("x"));
      sink.addMetadata({ dropped: true });
      await sink.abort("delete", "why not");
      expect(await backend.readInfo("drive")).toEqual(before);
      const source = await backend.openSequence("drive");
      expect(await source.readAttachment(source.info.attachments[0])).toEqual(text("abc"));
      expect(await codeOf(source.openTopic("b"))).toBe("NOT_FOUND");
      const again = await backend.updateSequence("drive");
      await fill(again, { b: [[9]] });
      await again.finalize();
      expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [9]));
    });

    test("abort with report keeps what was written, marked as failed with the reason", async (backend) => {
      const sink = await create(backend, "drive", { a: [[1, 2], [3]], empty: [] });
      sink.addMetadata({ weather: "fog" });
      await sink.abort("report", "the cable broke");
      const info = await backend.readInfo("drive");
      expect([info.state, info.metadata]).toEqual(["failed", { weather: "fog" }]);
      const [{ state, reason, ended, topics }] = info.sessions;
      expect([state, reason, topics]).toEqual(["failed", "the cable broke", ["a", "empty"]]);
      expect(ended).toBeInstanceOf(Date);
      expect(info.topics.map(({ rowCount }) => rowCount)).toEqual([3, 0]);
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1, 2, 3]));
      expect(await rowsOf(backend, "drive", "empty")).toEqual([]);
    });

    test("abort with report of a later session fails that session alone", async (backend) => {
      await (await create(backend, "drive", { a: [[1]] })).finalize();
      const sink = await backend.updateSequence("drive");
      await fill(sink, { b: [[2]] });
      await sink.abort("report", "the cable broke");
      const { state, sessions, topics } = await backend.readInfo("drive");
      expect(state).toBe("finalized");
      expect(sessions.map((session) => [session.state, session.reason]))
        .toEqual([["finalized", undefined], ["failed", "the cable broke"]]);
      expect(topics.map(({ name }) => name)).toEqual(["a", "b"]);
      expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2]));
    });

    topicCases(test);
    sessionCases(test);

    test("close makes calls that read or write fail CLOSED; a second close does nothing", async (backend) => {
      await (await create(backend, "drive", { a: [[1]] })).finalize();
      const topic = await (await backend.openSequence("drive")).openTopic("a");
      await backend.close();
      await backend.close();
      const calls: Record<string, () => Promise<unknown>> = {
        listSequences: () => backend.listSequences(),
        readInfo: () => backend.readInfo("drive"),
        createSequence: () => backend.createSequence("other", {}),
        updateSequence: () => backend.updateSequence("drive"),
        openSequence: () => backend.openSequence("drive"),
        deleteSequence: () => backend.deleteSequence("drive"),
        open: () => topic.runs(ALL).open(),
      };
      for (const [call, run] of Object.entries(calls)) {
        expect([
          call,
          await run().then(() => "none", (error: SmaltiError) => error.code),
        ]).toEqual([call, "CLOSED"]);
      }
    });
  });
}
