import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import type { SequenceWriter } from "../../src/write/sequence_writer.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { onStore, PLACES, withClient } from "../support/places.ts";
import {
  addTopic,
  allTexts,
  pushSamples,
  recordSequence,
  Sample,
  sample,
  sampleText,
} from "../support/sample_rows.ts";
import { deferred, isSettled } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const rows = (topic: string, times: number[]): string[] =>
  times.map((time, i) => sampleText(topic, BigInt(time), i));

/** How every session of a sequence ended, with its reason. */
async function endsOf(client: Client, name: string): Promise<[string, string | undefined][]> {
  return (await client.sequenceInfo(name)).sessions.map(({ state, reason }) => [state, reason]);
}

/** All that a writer and its topic do while the sequence is open. */
async function expectClosed(sequence: SequenceWriter, state: string): Promise<void> {
  const topic = sequence.topics.get("a")!;
  const columns = { timestampNs: BigInt64Array.of(1n), serial: [1], values: [[]] } as never;
  const calls: Record<string, () => unknown> = {
    topicCreate: () => sequence.topicCreate("late", { ontology: Sample }),
    attach: () => sequence.attach({ name: "late" }, new Uint8Array(1)),
    addMetadata: () => sequence.addMetadata({ late: true }),
    flush: () => sequence.flush(),
    finalize: () => sequence.finalize(),
    push: () => topic.push({ timestampNs: 1n, data: sample(1) }),
    pushColumns: () => topic.pushColumns(columns),
    pushBatch: () => topic.pushBatch(undefined as never),
    topicFlush: () => topic.flush(),
  };
  for (const [name, call] of Object.entries(calls)) {
    const error = await expectError(call, "CLOSED", `sequence "s": it is ${state}, wanted open`);
    expect([name, error.details.sequence]).toEqual([name, "s"]);
  }
  expect([sequence.status, topic.status]).toEqual([state, state]);
}

describe.each(PLACES)("Client.sequenceCreate with a function, in %s", (place) => {
  it("commits when it returns, and resolves to what it returned", async () => {
    await withClient(place, async (client) => {
      let writer!: SequenceWriter;
      const result = await client.sequenceCreate("s", { metadata: { vehicle: "A" } }, async (sequence) => {
        writer = sequence;
        expect([sequence.name, sequence.status]).toEqual(["s", "open"]);
        await addTopic(sequence, "a", [3, 1, 2]);
        return { answer: 42 };
      });
      expect(result).toEqual({ answer: 42 });
      expect(writer.status).toBe("finalized");
      const handler = await client.sequenceHandler("s");
      expect([handler.state, handler.metadata, handler.rowCount]).toEqual(["finalized", { vehicle: "A" }, 3]);
    });
  });

  it("commits where the function waits for nothing, or finalized itself", async () => {
    await withClient(place, async (client) => {
      expect(await client.sequenceCreate("plain", {}, (sequence) => sequence.name)).toBe("plain");
      await client.sequenceCreate("own", {}, (sequence) => sequence.finalize());
      for (const name of ["plain", "own"]) {
        expect(await endsOf(client, name)).toEqual([["finalized", undefined]]);
      }
    });
  });

  it("waits for a finalize that the function only started", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        await addTopic(sequence, "a", [1]);
        sequence.finalize();
      });
      expect(await allTexts(client, "s")).toEqual(rows("a", [1]));
    });
  });

  it("that throws rejects with what was thrown; by report, what was flushed stays, failed with the reason", async () => {
    await withClient(place, async (client) => {
      const reason = new Error("the cable broke");
      const call = () =>
        client.sequenceCreate("s", {}, async (sequence) => {
          const topic = await addTopic(sequence, "a", [2, 1]);
          await topic.flush();
          await addTopic(sequence, "b", []);
          throw reason;
        });
      expect(await thrownBy(call)).toBe(reason);
      expect(await endsOf(client, "s")).toEqual([["failed", "the cable broke"]]);
      expect((await client.sequenceHandler("s")).state).toBe("failed");
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 1), sampleText("a", 2n, 0)]);
    });
  });

  it("that throws what is no Error keeps it as the reason", async () => {
    await withClient(place, async (client) => {
      expect(await thrownBy(() => client.sequenceCreate("s", {}, () => Promise.reject("just text")))).toBe(
        "just text",
      );
      expect(await endsOf(client, "s")).toEqual([["failed", "just text"]]);
    });
  });

  it("that throws leaves nothing by the policy delete, and the name is free", async () => {
    await withClient(place, async (client) => {
      const call = () =>
        client.sequenceCreate("s", { errorPolicy: "delete" }, async (sequence) => {
          await (await addTopic(sequence, "a", [2, 1])).flush();
          throw new Error("the cable broke");
        });
      await expect(call()).rejects.toThrow("the cable broke");
      expect(await client.listSequences()).toEqual([]);
      await expectError(() => client.sequenceHandler("s"), "NOT_FOUND");
      await recordSequence(client, "s", { a: [7] });
      expect(await allTexts(client, "s")).toEqual(rows("a", [7]));
    });
  });

  it("rejects where the function aborted the sequence itself, with the reason if that is an Error", async () => {
    await withClient(place, async (client) => {
      const abortWith = (name: string, reason: unknown) => () =>
        client.sequenceCreate(name, {}, async (sequence) => {
          await addTopic(sequence, "a", [1]);
          await sequence.abort(reason);
          return 1;
        });
      const error = await expectError(abortWith("s", "changed my mind"), "ABORTED", `"s"`, "changed my mind");
      expect([error.details.sequence, error.cause]).toEqual(["s", "changed my mind"]);
      expect(await endsOf(client, "s")).toEqual([["failed", "changed my mind"]]);
      const reason = new Error("the cable broke");
      expect(await thrownBy(abortWith("t", reason))).toBe(reason);
      expect(await endsOf(client, "t")).toEqual([["failed", "the cable broke"]]);
    });
  });

  it("rejects where a stream of one of its topics was aborted", async () => {
    await withClient(place, async (client) => {
      const reason = new Error("the sensor fell silent");
      const record = () =>
        client.sequenceCreate("s", {}, async (sequence) => {
          const topic = await addTopic(sequence, "a", [1]);
          await topic.toWritableStream().abort(reason);
        });
      expect(await thrownBy(record)).toBe(reason);
      expect(await endsOf(client, "s")).toEqual([["failed", "the sensor fell silent"]]);
    });
  });
});

describe.each(PLACES)("SequenceWriter in %s", (place) => {
  it("finalize commits, gives the facts, and closes the writer", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [3, 1]);
      const info = await sequence.finalize();
      expect(info).toEqual(await client.sequenceInfo("s"));
      expect(info.topics.map(({ rowCount, firstNs, lastNs }) => [rowCount, firstNs, lastNs])).toEqual([[
        2,
        1n,
        3n,
      ]]);
      await expectClosed(sequence, "finalized");
      await expectError(() => sequence.abort("too late"), "CLOSED", "it is finalized");
      await sequence[Symbol.asyncDispose]();
      expect(await endsOf(client, "s")).toEqual([["finalized", undefined]]);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 1), sampleText("a", 3n, 0)]);
    });
  });

  it("disposing without finalize aborts, by the policy", async () => {
    await withClient(place, async (client) => {
      for (const errorPolicy of ["report", "delete"] as const) {
        const sequence = await client.sequenceCreate(errorPolicy, { errorPolicy });
        await (await addTopic(sequence, "a", [1, 2])).flush();
        await sequence[Symbol.asyncDispose]();
        expect(sequence.status).toBe("aborted");
      }
      expect(await client.listSequences()).toEqual(["report"]);
      expect(await endsOf(client, "report")).toEqual([["failed", "left without finalize"]]);
      expect(await allTexts(client, "report")).toEqual(rows("a", [1, 2]));
    });
  });

  it("abort keeps or removes by its own policy where one is given, once", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
      await addTopic(sequence, "a", [1, 2]);
      await Promise.all([sequence.abort(new Error("why not"), "report"), sequence.abort("again", "delete")]);
      await sequence.abort("and again");
      await expectClosed(sequence, "aborted");
      expect(await endsOf(client, "s")).toEqual([["failed", "why not"]]);
    });
  });

  it("finalize, called twice at once, commits once and refuses the second", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      const first = sequence.finalize();
      await expectError(() => sequence.finalize(), "CLOSED", "it is finalizing");
      expect((await first).state).toBe("finalized");
    });
  });

  it("abort during finalize does not undo the commit", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
      await addTopic(sequence, "a", [1]);
      const finalized = sequence.finalize();
      await expectError(() => sequence.abort("too late"), "CLOSED", "it is finalized");
      expect((await finalized).state).toBe("finalized");
      expect(await allTexts(client, "s")).toEqual(rows("a", [1]));
      expect(await endsOf(client, "s")).toEqual([["finalized", undefined]]);
    });
  });

  it("disposing during finalize waits for the commit", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      const finalized = sequence.finalize();
      await sequence[Symbol.asyncDispose]();
      expect(sequence.status).toBe("finalized");
      await finalized;
    });
  });

  it("topicCreate of one name, called many times at once, makes one topic", async () => {
    await withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const made = await Promise.allSettled(Array.from({ length: 5 }, () => addTopic(sequence, "a", [])));
        expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", ...Array(4).fill("rejected")]);
        await pushSamples(sequence.topics.get("a")!, [1, 2]);
        await expectError(() => addTopic(sequence, "/a", []), "ALREADY_EXISTS", `topic "a" of sequence "s"`);
      });
      expect(await allTexts(client, "s")).toEqual(rows("a", [1, 2]));
    });
  });

  it("finalize waits for topics and attachments that are still being made", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [topic, attached] = [
        addTopic(sequence, "a", []),
        sequence.attach({ name: "notes" }, Uint8Array.of(1, 2)),
      ];
      await sequence.finalize();
      await Promise.all([topic, attached]);
      const handler = await client.sequenceHandler("s");
      expect(handler.topics.map(({ name }) => name)).toEqual(["a"]);
      expect(await handler.readAttachment(handler.attachments[0])).toEqual(Uint8Array.of(1, 2));
    });
  });

  it("flush makes rows of all topics readable even if nothing is committed after", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      await addTopic(sequence, "b", [1]);
      await sequence.flush();
      await sequence.abort();
      expect(await allTexts(client, "s")).toEqual([...rows("a", [1]), ...rows("b", [1])]);
    });
  });
});

describe("SequenceWriter.finalize over a slow store", () => {
  it.each([["a topic", /a\.arrow/], ["an attachment", /attachments/]])(
    "commits after %s that was begun before it",
    async (_, slow) => {
      const store = new WatchedStore();
      await onStore(store, async (client) => {
        const sequence = await client.sequenceCreate("s");
        const gate = deferred();
        store.before = (_, path) => (slow.test(path) ? gate.promise : undefined);
        const begun = [addTopic(sequence, "a", []), sequence.attach({ name: "notes" }, Uint8Array.of(1, 2))];
        const manifests = store.count("commit", "sequence.json");
        const finalized = sequence.finalize();
        expect(await isSettled(finalized)).toBe(false);
        expect(store.count("commit", "sequence.json")).toBe(manifests);
        gate.resolve();
        const { topics, attachments } = await finalized;
        expect([topics.map(({ name }) => name), attachments.map(({ name }) => name)]).toEqual([["a"], [
          "notes",
        ]]);
        await Promise.all(begun);
      });
    },
  );
});

describe("Client.close", () => {
  it("aborts writers that are open, by their policies", async () => {
    const store = new WatchedStore();
    // Looked at before the store forgets all, as one in memory does when it is closed.
    const texts: string[] = [];
    store.before = (call, path) => void texts.push(`${call} ${path}`);
    await onStore(store, async (client) => {
      const kept = await client.sequenceCreate("kept");
      await addTopic(kept, "a", [1]);
      const dropped = await client.sequenceCreate("dropped", { errorPolicy: "delete" });
      await addTopic(dropped, "a", [1]);
      texts.length = 0;
      await client.close();
      expect([kept.status, dropped.status]).toEqual(["aborted", "aborted"]);
    });
    expect(texts).toContain("commit kept/sequence.json");
    expect(texts).toContain("remove dropped");
  });

  it("waits for a finalize under way", async () => {
    const store = new WatchedStore();
    const gate = deferred();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      store.before = (call) => call === "commit" ? gate.promise : undefined;
      const finalized = sequence.finalize();
      const closed = client.close();
      gate.resolve();
      expect((await finalized).state).toBe("finalized");
      await closed;
    });
  });

  it("aborts a writer whose sequence was still being created", async () => {
    const store = new WatchedStore();
    const gate = deferred();
    store.before = (call) => call === "lock" ? gate.promise : undefined;
    await onStore(store, async (client) => {
      const created = client.sequenceCreate("s", { errorPolicy: "delete" });
      const closed = client.close();
      gate.resolve();
      await expectError(() => created, "CLOSED");
      await closed;
    });
    expect(store.calls.filter((call) => call.startsWith("remove")).at(-1)).toBe("remove s");
  });
});
