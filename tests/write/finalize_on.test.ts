import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { canSpawn, library, needsBuild } from "../support/child.ts";
import { columnsOf, loadArrow, tableFields } from "../support/tables.ts";
import { toRecordBatch } from "../../src/arrow/tables.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { clientOf, inDirectory, onStore, withClient } from "../support/places.ts";
import { pushSamples, Sample, sample } from "../support/sample_rows.ts";
import { isSettled } from "../support/waiting.ts";
import { WatchedStore } from "../support/watched_store.ts";

const message = (serial: number) => ({ timestampNs: BigInt(serial), data: sample(serial) });

/** A turn of the event loop, as a sensor's loop has it. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("A session that a signal ends", () => {
  it("ends a loop that awaits its pushes with the signal's reason, once it is finalized", () =>
    withClient("memory", async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("a", { ontology: Sample });
      const stop = new AbortController();
      const enough = new Error("enough");
      sequence.finalizeOn(stop.signal);
      let pushed = 0;
      const reason = await thrownBy(async () => {
        for (;;) {
          await topic.push(message(pushed));
          if (++pushed === 50) stop.abort(enough);
          await turn();
        }
      });
      expect(reason).toBe(enough);
      expect([pushed, sequence.status]).toEqual([50, "finalized"]);
      const info = await client.sequenceInfo("s");
      expect([info.state, info.topics[0].rowCount]).toEqual(["finalized", 50]);
      // And so does every call after it.
      expect(await thrownBy(() => topic.push(message(50)))).toBe(enough);
      const columns = columnsOf(Sample.fields, [sample(1)]);
      const batch = await toRecordBatch(loadArrow, tableFields(Sample.fields), columns);
      expect(await thrownBy(() => topic.pushBatch(batch))).toBe(enough);
      const none = { timestampNs: new BigInt64Array(0), serial: [], label: [], values: [], place: [] };
      expect(await thrownBy(() => topic.pushColumns(none))).toBe(enough);
      expect((await client.sequenceInfo("s")).topics[0].rowCount).toBe(50);
    }));

  it("is not finalized when a push after it is made, but when that rejects", async () => {
    const store = new WatchedStore();
    let letGo = () => {};
    const held = new Promise<void>((resolve) => letGo = resolve);
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("a", { ontology: Sample });
      await pushSamples(topic, [1, 2]);
      const stop = new AbortController();
      sequence.finalizeOn(stop.signal);
      store.before = async (call, path) => {
        if (call === "commit" && path.endsWith("sequence.json")) await held;
      };
      stop.abort();
      expect(sequence.status).toBe("finalizing");
      const pushed = topic.push(message(2))!;
      expect(await isSettled(pushed)).toBe(false);
      letGo();
      expect(await thrownBy(() => pushed)).toBe(stop.signal.reason);
      expect(sequence.status).toBe("finalized");
    });
  });

  it("does not disturb those who do not await their pushes", () =>
    withClient("memory", async (client) => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown) => void unhandled.push(reason);
      process.on("unhandledRejection", note);
      try {
        const sequence = await client.sequenceCreate("s");
        const topic = await sequence.topicCreate("a", { ontology: Sample });
        const stop = new AbortController();
        sequence.finalizeOn(stop.signal);
        for (let row = 0; row < 50; row++) {
          topic.push(message(row));
          if (row === 20) stop.abort();
          if (row % 5 === 0) await turn();
        }
        while (sequence.status !== "finalized") await turn();
        for (let i = 0; i < 5; i++) await turn();
        expect(unhandled).toEqual([]);
        expect((await client.sequenceInfo("s")).topics[0].rowCount).toBe(21);
      } finally {
        process.off("unhandledRejection", note);
      }
    }));

  it("ends a stream that is written to it", () =>
    withClient("memory", async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("a", { ontology: Sample });
      const stop = new AbortController();
      sequence.finalizeOn(stop.signal);
      let row = 0;
      const source = new ReadableStream({
        async pull(controller) {
          await turn();
          controller.enqueue(message(row));
          if (++row === 10) stop.abort(new Error("enough"));
        },
      });
      await expect(source.pipeTo(topic.toWritableStream())).rejects.toThrow("enough");
      const { state, topics } = await client.sequenceInfo("s");
      // The last one may be on its way.
      expect(state).toBe("finalized");
      expect([9, 10]).toContain(topics[0].rowCount);
    }));

  it("resolves its callback form to undefined, or to what the callback returns all the same", () =>
    withClient("memory", async (client) => {
      for (const isAwaited of [true, false]) {
        const name = isAwaited ? "awaited" : "not";
        const stop = new AbortController();
        const result = await client.sequenceCreate(name, {}, async (sequence) => {
          const topic = await sequence.topicCreate("a", { ontology: Sample });
          sequence.finalizeOn(stop.signal);
          for (let row = 0; row < 20; row++) {
            const pushed = topic.push(message(row));
            if (isAwaited) await pushed;
            if (row === 9) stop.abort();
          }
          return "all";
        });
        expect(result).toBe(isAwaited ? undefined : "all");
        const { state, topics } = await client.sequenceInfo(name);
        expect([state, topics[0].rowCount]).toEqual(["finalized", 10]);
      }
    }));

  it("rejects its callback form where something else is thrown, and is finalized all the same", () =>
    withClient("memory", async (client) => {
      const stop = new AbortController();
      const wrong = new Error("something else");
      const reason = await thrownBy(() =>
        client.sequenceCreate("s", {}, async (sequence) => {
          await pushSamples(await sequence.topicCreate("a", { ontology: Sample }), [1]);
          sequence.finalizeOn(stop.signal);
          stop.abort();
          throw wrong;
        })
      );
      expect(reason).toBe(wrong);
      expect((await client.sequenceInfo("s")).state).toBe("finalized");
    }));

  it("takes a signal that is given already, and only the first of several", () =>
    withClient("memory", async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("a", { ontology: Sample });
      await pushSamples(topic, [1, 2, 3]);
      const [first, second] = [new Error("first"), new Error("second")];
      sequence.finalizeOn(AbortSignal.abort(first));
      expect(sequence.status).toBe("finalizing");
      sequence.finalizeOn(AbortSignal.abort(second));
      sequence.finalizeOn(AbortSignal.abort(first));
      expect(await thrownBy(() => topic.push(message(3)))).toBe(first);
      await expectError(() => sequence.finalize(), "CLOSED");
      expect((await client.sequenceInfo("s")).topics[0].rowCount).toBe(3);
    }));

  it("is left alone where it has ended before", () =>
    withClient("memory", async (client) => {
      for (const end of ["finalize", "abort"] as const) {
        const sequence = await client.sequenceCreate(end);
        const topic = await sequence.topicCreate("a", { ontology: Sample });
        const stop = new AbortController();
        sequence.finalizeOn(stop.signal);
        await sequence[end]();
        const { status } = sequence;
        stop.abort();
        sequence.finalizeOn(stop.signal);
        expect(sequence.status).toBe(status);
        await expectError(() => topic.push(message(1)), "CLOSED");
        expect((await client.sequenceInfo(end)).state).toBe(end === "abort" ? "failed" : "finalized");
      }
    }));

  it("tells who awaits a push what it failed with, where it cannot be finalized", async () => {
    for (const isCallback of [false, true]) {
      const inner = new MemoryStore();
      const store = new WatchedStore(inner);
      const client = clientOf(store);
      const stop = new AbortController();
      const record = async () => {
        const sequence = isCallback ? undefined : await client.sequenceCreate("s");
        const push = async (writer: NonNullable<typeof sequence>) => {
          const topic = await writer.topicCreate("a", { ontology: Sample });
          writer.finalizeOn(stop.signal);
          for (let row = 0;; row++) {
            await topic.push(message(row));
            if (row === 5) {
              store.before = (call, path) => {
                if (call === "sync" && path.endsWith("a.arrow")) throw new Error("the disk is gone");
              };
              stop.abort();
            }
          }
        };
        if (sequence) await push(sequence);
        else await client.sequenceCreate("s", {}, push);
      };
      await expect(record()).rejects.toThrow("the disk is gone");
      store.before = () => {};
      expect((await client.sequenceInfo("s")).state).toBe("failed");
      await client.close();
    }
  });

  it("is waited for by the client's end", () =>
    inDirectory(async (directory) => {
      const client = await connect(directory);
      const sequence = await client.sequenceCreate("s");
      await pushSamples(await sequence.topicCreate("a", { ontology: Sample }), [1, 2]);
      const stop = new AbortController();
      sequence.finalizeOn(stop.signal);
      stop.abort();
      await client.close();
      await using again = await connect(directory);
      const { state, topics } = await again.sequenceInfo("s");
      expect([state, topics[0].rowCount]).toEqual(["finalized", 2]);
    }));
});

/** A program that records, on the runtime of the tests. */
interface Recorder {
  child: ChildProcess;
  ready: Promise<void>;
  ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

function startRecorder(directory: string, action: string): Recorder {
  const script = fileURLToPath(new URL("recorder_child.mjs", import.meta.url));
  const runtime = "deno" in process.versions ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const child = spawn(process.execPath, [...runtime, script, library!, directory, action]);
  const texts = { stdout: "", stderr: "" };
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => isReady = resolve);
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      if (texts.stdout.includes("ready")) isReady();
    });
  }
  const ended: Recorder["ended"] = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
  return { child, ready: Promise.race([ready, ended.then(() => {})]), ended };
}

const noSignals = process.platform === "win32" ? " (Windows has no signals)" : "";

describe.skipIf(!canSpawn)(`A program that records${needsBuild}`, () => {
  it.skipIf(noSignals).each(
    ["SIGINT", "SIGTERM", "SIGHUP"].flatMap((signal) =>
      ["loop", "callback", "events"].map((action) => [signal, action] as const)
    ),
  )(
    `is ended by %s with all that it pushed: %s${noSignals}`,
    (signal, action) =>
      inDirectory(async (directory) => {
        const { child, ready, ended } = startRecorder(directory, action);
        await ready;
        process.kill(child.pid!, signal); // after `child.kill` Deno gives no exit code
        const { stdout, stderr, ...how } = await ended;
        expect([how, stderr]).toEqual([{ code: 0, signal: null }, ""]);
        const said = { loop: "ended by AbortError", callback: "result undefined", events: "ready" };
        expect(stdout.trimEnd().split("\n").at(-1)).toBe(said[action as keyof typeof said]);
        await using client = await connect(directory);
        expect((await client.sequenceInfo("s")).state).toBe("finalized");
        const topic = await client.topicHandler("s", "a");
        expect(topic.rowCount).toBeGreaterThanOrEqual(100);
        expect(await topic.verify()).toEqual([]);
        let row = 0;
        for await (const { timestampNs, data } of topic.getDataStreamer()) {
          expect([timestampNs, data.value]).toEqual([BigInt(row), row]);
          row++;
        }
        expect(row).toBe(topic.rowCount);
      }),
  );

  it("and comes to its end without a word loses nothing: it ends when all is flushed", () =>
    inDirectory(async (directory) => {
      const { ended } = startRecorder(directory, "forgets");
      const { code, stdout, stderr } = await ended;
      expect([code, stdout, stderr]).toEqual([0, "ready\n", ""]);
      await using client = await connect(directory);
      expect((await client.sequenceInfo("s")).state).toBe("recording");
      const { files } = await client.recover("s");
      expect(files).toMatchObject([{ topic: "a", rowsKept: 100, bytesDiscarded: 0 }]);
      const topic = await client.topicHandler("s", "a");
      expect([topic.rowCount, await topic.verify()]).toEqual([100, []]);
    }));
});
