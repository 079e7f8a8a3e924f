import { describe, expect, it } from "vitest";
import { copyFiles } from "../support/faulty_store.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, makeStore, onStore, PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, pushSamples, recordSequence, sampleText } from "../support/sample_rows.ts";

describe.each(PLACES)("Sessions of one sequence side by side, in %s", (place) => {
  it("record at once what is one recording when all have ended", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (first) => {
        const a = await addTopic(first, "a", [1]);
        await client.sequenceUpdate("s", {}, async (second) => {
          await addTopic(second, "b", [2]);
          await expectError(() => addTopic(second, "a", []), "ALREADY_EXISTS", `"a"`);
        });
        expect((await client.sequenceInfo("s")).state).toBe("recording");
        await expectError(() => client.sequenceHandler("s"), "LOCKED");
        await pushSamples(a, [3], 1);
      });
      expect((await client.sequenceInfo("s")).sessions.map(({ topics }) => topics)).toEqual([["a"], ["b"]]);
      expect(await allTexts(client, "s")).toEqual([
        sampleText("a", 1n, 0),
        sampleText("b", 2n, 0),
        sampleText("a", 3n, 1),
      ]);
    });
  });

  it("are all given up where the client is closed, each by its policy", async () => {
    const { store, dispose } = await makeStore(place);
    const { store: copy, dispose: disposeCopy } = await makeStore(place);
    try {
      // What is left is looked at before the store is closed: one in memory forgets all then.
      const close = store.close.bind(store);
      store.close = async () => {
        store.close = close;
        await copyFiles(store, copy);
        await close();
      };
      const client = clientOf(store);
      const kept = await client.sequenceCreate("s");
      await addTopic(kept, "a", [1]);
      const dropped = await client.sequenceUpdate("s", { errorPolicy: "delete" });
      await addTopic(dropped, "b", [2]);
      const both = [
        await client.sequenceCreate("t", { errorPolicy: "delete" }),
        await client.sequenceUpdate("t", { errorPolicy: "delete" }),
      ];
      await Promise.all(both.map((session, i) => addTopic(session, `t${i}`, [i])));
      await client.close();
      expect([kept, dropped, ...both].map(({ status }) => status)).toEqual(Array(4).fill("aborted"));
      await onStore(copy, async (after) => {
        expect(await after.listSequences()).toEqual(["s"]);
        const { state, sessions } = await after.sequenceInfo("s");
        expect([state, sessions.map((session) => session.state)]).toEqual(["failed", ["failed"]]);
        expect(await allTexts(after, "s")).toEqual([sampleText("a", 1n, 0)]);
        expect((await after.recover("s")).changed).toBe(false);
      });
    } finally {
      await dispose();
      await disposeCopy();
    }
  });

  for (const isNew of [true, false]) {
    const which = isNew ? "a new sequence" : "a finalized sequence";
    it(`of ${which} are recovered whole where their writer dies`, async () => {
      const { store, dispose } = await makeStore(place);
      const { store: left, dispose: disposeLeft } = await makeStore(place);
      try {
        await onStore(store, async (client) => {
          if (!isNew) await recordSequence(client, "s", { old: [0] });
          const first = isNew ? await client.sequenceCreate("s") : await client.sequenceUpdate("s");
          const second = await client.sequenceUpdate("s");
          const topics = [await addTopic(first, "a", [1, 3]), await addTopic(second, "b/c", [2])];
          await first.attach({ name: "first" }, Uint8Array.of(1));
          await second.attach({ name: "second" }, Uint8Array.of(2));
          await Promise.all([first.flush(), second.flush()]);
          await pushSamples(topics[1], [9], 1); // never stored
          await copyFiles(store, left);
        });
        await onStore(left, async (client) => {
          const { changed, files } = await client.recover("s");
          expect([changed, files.map(({ topic, rowsKept }) => [topic, rowsKept])]).toEqual([
            true,
            [["a", 2], ["b/c", 1]],
          ]);
          const { state, sessions, topics } = await client.sequenceInfo("s");
          expect([state, sessions.map((session) => session.state)]).toEqual(
            isNew
              ? ["recovered", ["recovered", "recovered"]]
              : ["finalized", ["finalized", "recovered", "recovered"]],
          );
          expect(topics.map(({ name }) => name)).toEqual(["a", "b/c", ...(isNew ? [] : ["old"])]);
          // Each topic is of a session that names it.
          for (const { name, sessionId } of topics) {
            expect(sessions.find(({ id }) => id === sessionId)!.topics).toContain(name);
          }
          expect((await allTexts(client, "s")).slice(isNew ? 0 : 1)).toEqual([
            sampleText("a", 1n, 0),
            sampleText("b/c", 2n, 0),
            sampleText("a", 3n, 1),
          ]);
          const handler = await client.sequenceHandler("s");
          const bytes = await Promise.all(handler.attachments.map((one) => handler.readAttachment(one)));
          expect(bytes.map(([byte]) => byte).sort()).toEqual([1, 2]);
          expect(await client.recover("s")).toEqual({ sequence: "s", changed: false, files: [] });
          await client.sequenceUpdate("s", {}, async (next) => void await addTopic(next, "d", [5]));
          expect((await client.topicHandler("s", "d")).rowCount).toBe(1);
        });
      } finally {
        await dispose();
        await disposeLeft();
      }
    });
  }
});
