/**
 * The part of the backend contract that deals with sessions of one sequence that are open side by side.
 *
 * @module
 */
import { expect } from "vitest";
import type { Backend, SequenceSink } from "../../src/backend.ts";
import { expectError } from "../support/errors.ts";
import { create, fill, rowsOf, SCHEMA, type TestBackend, wantedRows } from "./backend_topics.ts";
import { codeOf, text } from "./store.ts";

/** Two sessions: of a sequence that is being recorded, or of one that was finalized with topic "old" before. */
async function openTwo(backend: Backend, isNew: boolean): Promise<[SequenceSink, SequenceSink]> {
  if (isNew) return [await create(backend, "drive"), await backend.updateSequence("drive")];
  await (await create(backend, "drive", { old: [[0]] })).finalize();
  return [await backend.updateSequence("drive"), await backend.updateSequence("drive")];
}

/** Names of a sequence's topics, and the states of its sessions in the order they came. */
async function told(backend: Backend): Promise<{ state: string; topics: string[]; sessions: string[] }> {
  const { state, topics, sessions } = await backend.readInfo("drive");
  return {
    state,
    topics: topics.map(({ name }) => name),
    sessions: sessions.map((session) => session.state),
  };
}

/** Makes a test of each case. */
export function sessionCases(test: TestBackend): void {
  test("sessions of a new sequence side by side: it is being recorded until the last has ended", async (backend) => {
    const [first, second] = await openTwo(backend, true);
    expect(await told(backend)).toEqual({
      state: "recording",
      topics: [],
      sessions: ["recording", "recording"],
    });
    await fill(first, { a: [[1, 3]] });
    await fill(second, { b: [[2]] });
    first.addMetadata({ by: "first", one: 1 });
    second.addMetadata({ by: "second" });
    expect((await second.finalize()).state).toBe("recording");
    expect(await told(backend)).toEqual({
      state: "recording",
      topics: ["b"],
      sessions: ["recording", "finalized"],
    });
    expect(await codeOf(backend.openSequence("drive"))).toBe("LOCKED");
    const third = await backend.updateSequence("drive");
    await fill(third, { c: [[5]] });
    expect((await first.finalize()).state).toBe("recording");
    const info = await third.finalize();
    expect(await backend.readInfo("drive")).toEqual(info);
    expect(info.metadata).toEqual({ by: "first", one: 1 });
    const { sessions } = info;
    expect(sessions.map(({ state, topics }) => [state, topics])).toEqual([
      ["finalized", ["a"]],
      ["finalized", ["b"]],
      ["finalized", ["c"]],
    ]);
    expect(info.topics.map(({ sessionId }) => sessionId)).toEqual(sessions.map(({ id }) => id));
    expect(await told(backend)).toMatchObject({ state: "finalized", topics: ["a", "b", "c"] });
    expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1, 3]));
    expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2]));
    await backend.deleteSequence("drive");
  });

  test("sessions of a finalized sequence side by side: what each commits is there at once", async (backend) => {
    const [first, second] = await openTwo(backend, false);
    await fill(first, { a: [[1]] });
    await fill(second, { b: [[2]] });
    expect(await told(backend)).toEqual({ state: "finalized", topics: ["old"], sessions: ["finalized"] });
    await second.finalize();
    expect(await told(backend)).toMatchObject({ topics: ["b", "old"], sessions: ["finalized", "finalized"] });
    expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2]));
    expect(await codeOf(backend.deleteSequence("drive"))).toBe("LOCKED");
    await first.finalize();
    expect(await told(backend)).toEqual({
      state: "finalized",
      topics: ["a", "b", "old"],
      sessions: ["finalized", "finalized", "finalized"],
    });
    await backend.deleteSequence("drive");
  });

  for (const isNew of [true, false]) {
    const which = isNew ? "a new sequence" : "a finalized sequence";

    test(`a topic's name is taken across sessions of ${which}, and free once a session that had it was removed`, async (backend) => {
      const [first, second] = await openTwo(backend, isNew);
      await fill(first, { a: [[1]] });
      const error = await expectError(
        () => second.createTopic("a", SCHEMA),
        "ALREADY_EXISTS",
        `"a"`,
        "drive",
      );
      expect(error.details).toMatchObject({ sequence: "drive", topic: "a" });
      const tries = [first, second, first, second].map((sink) => codeOf(sink.createTopic("both", SCHEMA)));
      expect((await Promise.all(tries)).sort()).toEqual([...Array(3).fill("ALREADY_EXISTS"), "none"]);
      await fill(second, { b: [[2]] });
      await second.finalize();
      expect(await codeOf(first.createTopic("b", SCHEMA))).toBe("ALREADY_EXISTS");
      const third = await backend.updateSequence("drive");
      await first.abort("delete", "why not");
      await fill(third, { a: [[7, 8]] });
      await third.finalize();
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [7, 8]));
    });

    for (const dropped of [0, 1]) {
      test(`abort with delete of session ${dropped + 1} of two of ${which} leaves the other with all it has`, async (backend) => {
        const both = await openTwo(backend, isNew);
        for (const [i, sink] of both.entries()) {
          await fill(sink, { [`t${i}`]: [[i, i + 5]] });
          await sink.attach({ name: `notes ${i}`, sizeBytes: 1 }, text(String(i)));
        }
        const kept = 1 - dropped;
        await both[dropped].abort("delete", "why not");
        expect(await told(backend)).toEqual(
          isNew
            ? { state: "recording", topics: [], sessions: ["recording"] }
            : { state: "finalized", topics: ["old"], sessions: ["finalized"] },
        );
        await fill(both[kept], { more: [[9]] });
        const { topics, attachments, state } = await both[kept].finalize();
        expect([state, topics.map(({ name }) => name), attachments.map(({ name }) => name)]).toEqual([
          "finalized",
          ["more", ...(isNew ? [] : ["old"]), `t${kept}`],
          [`notes ${kept}`],
        ]);
        expect(await rowsOf(backend, "drive", `t${kept}`)).toEqual(wantedRows(`t${kept}`, [kept, kept + 5]));
        const source = await backend.openSequence("drive");
        expect(await source.readAttachment(source.info.attachments[0])).toEqual(text(String(kept)));
      });
    }

    test(`abort with report of one and finalize of the other leaves ${which} finalized, the failed session listed`, async (backend) => {
      for (const order of ["failed first", "failed last"]) {
        const [first, second] = await openTwo(backend, isNew);
        await fill(first, { a: [[1, 2]] });
        await fill(second, { b: [[3]] });
        const ends = [() => first.abort("report", "the cable broke"), () => second.finalize()];
        for (const end of order === "failed first" ? ends : ends.reverse()) await end();
        const { state, sessions, topics } = await backend.readInfo("drive");
        const mine = sessions.slice(isNew ? 0 : 1).map((session) => `${session.state} ${session.reason}`)
          .sort();
        expect([state, mine]).toEqual(["finalized", ["failed the cable broke", "finalized undefined"]]);
        expect(topics.map(({ name }) => name)).toEqual(isNew ? ["a", "b"] : ["a", "b", "old"]);
        expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1, 2]));
        await backend.deleteSequence("drive");
      }
    });
  }

  test("abort with delete of the last session that is left removes the sequence", async (backend) => {
    const [first, second] = await openTwo(backend, true);
    await fill(first, { a: [[1]] });
    await fill(second, { b: [[2]] });
    await first.abort("delete", "why not");
    expect(await backend.listSequences()).toEqual(["drive"]);
    await second.abort("delete", "why not");
    expect(await backend.listSequences()).toEqual([]);
    await (await create(backend, "drive", { a: [[5]], b: [[6]] })).finalize();
    expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [5]));
  });

  test("abort with delete of the last session keeps what another has committed or reported", async (backend) => {
    for (const state of ["finalized", "failed"]) {
      const [first, second] = await openTwo(backend, true);
      await fill(first, { a: [[1]] });
      await fill(second, { b: [[2]] });
      await (state === "finalized" ? first.finalize() : first.abort("report", "why not"));
      await second.abort("delete", "why not");
      expect(await told(backend)).toEqual({ state, topics: ["a"], sessions: [state] });
      expect(await rowsOf(backend, "drive", "a")).toEqual(wantedRows("a", [1]));
      await backend.deleteSequence("drive");
    }
  });

  test("a session may join while the only other one ends, however that ends", async (backend) => {
    for (const end of ["finalize", "report", "delete"] as const) {
      const first = await create(backend, "drive", { a: [[1]] });
      const [second] = await Promise.allSettled([
        backend.updateSequence("drive"),
        end === "finalize" ? first.finalize() : first.abort(end, "why not"),
      ]);
      // It came in time: so it has a sequence to write to.
      if (second.status === "rejected") throw second.reason;
      await fill(second.value, { b: [[2, 3]] });
      const { state, topics } = await second.value.finalize();
      expect([state, topics.map(({ name }) => name)]).toEqual([
        "finalized",
        end === "delete" ? ["b"] : ["a", "b"],
      ]);
      expect(await rowsOf(backend, "drive", "b")).toEqual(wantedRows("b", [2, 3]));
      await backend.deleteSequence("drive");
    }
  });

  test("attachments of sessions side by side are kept apart", async (backend) => {
    const both = await openTwo(backend, true);
    await Promise.all(
      both.flatMap((sink, i) =>
        Array.from(
          { length: 5 },
          (_, number) => sink.attach({ name: `${i} ${number}`, sizeBytes: 3 }, text(`${i}-${number}`)),
        )
      ),
    );
    for (const sink of both) await sink.finalize();
    const source = await backend.openSequence("drive");
    const found = await Promise.all(source.info.attachments.map(async (one) => [
      one.name,
      new TextDecoder().decode(await source.readAttachment(one)),
    ]));
    expect(found.length).toBe(10);
    expect(found.filter(([name, content]) => name.replace(" ", "-") !== content)).toEqual([]);
  });
}
