import { describe, expect, it } from "vitest";
import { connect } from "../../../src/entry/browser.ts";
import { MemoryStore } from "../../../src/store/memory.ts";
import { DataClient, type Endpoint } from "../../../src/viewer/data/client.ts";
import type {
  FrameAnswer,
  RecordingInfo,
  SeriesAnswer,
  ToWorker,
} from "../../../src/viewer/data/protocol.ts";
import { allEngines, clientWith } from "../../support/engines.ts";
import { keepingBatches } from "../../support/keeping_batches.ts";
import { open, pair, valueOf } from "./opened.ts";
import { FIRST, Probe, type ProbeRow, recorded, SECOND } from "./random_recording.ts";

function rowsOf(count: number, stepNs = 1000n, fromNs = 0n): ProbeRow[] {
  return Array.from({ length: count }, (_, i) => ({
    ns: fromNs + BigInt(i) * stepNs,
    data: { x: i, flag: i % 2 === 0, mode: "idle" },
  }));
}

describe("A data client", () => {
  /** An endpoint that answers nothing by itself. */
  function silent() {
    const { port1, port2 } = new MessageChannel();
    const seen: ToWorker[] = [];
    const arrived = new Promise<void>((resolve) => {
      port2.addEventListener("message", ({ data }) => {
        seen.push(data);
        if (data.kind === "close") resolve();
      });
    });
    port2.start();
    const client = new DataClient(port1 as unknown as Endpoint);
    return { client, seen, arrived, done: () => port2.close() };
  }
  const activity = { bins: 3 };

  it("gives up the older request of a panel and kind, and no other", async () => {
    const { client, seen, arrived, done } = silent();
    const first = client.ask("activity", 1, activity);
    const otherPanel = client.ask("activity", 2, activity);
    const otherKind = client.ask("at", 1, { ns: 0n, wishes: [] });
    const second = client.ask("activity", 1, activity);
    expect((await first).error).toEqual({
      code: "ABORTED",
      message: "A newer request of the same panel took its place",
    });
    client.close();
    expect(
      (await Promise.all([otherPanel, otherKind, second])).map(({ error }) => error?.code),
    ).toEqual([
      "CLOSED",
      "CLOSED",
      "CLOSED",
    ]);
    expect((await client.ask("activity", 1, activity)).error?.code).toBe(
      "CLOSED",
    );
    await arrived;
    done();
    expect(
      seen.map((message) => "panel" in message ? `${message.kind} ${message.panel}` : message.kind),
    )
      .toEqual([
        "activity 1",
        "activity 2",
        "at 1",
        "abort",
        "activity 1",
        "close",
      ]);
  });

  it("gives a request up by its signal, before it is asked too", async () => {
    const { client, seen, arrived, done } = silent();
    const controller = new AbortController();
    const asked = client.ask("activity", 1, activity, {
      signal: controller.signal,
    });
    controller.abort();
    expect((await asked).error?.code).toBe("ABORTED");
    expect(
      (await client.ask("activity", 1, activity, { signal: controller.signal }))
        .error?.code,
    ).toBe(
      "ABORTED",
    );
    client.close();
    await arrived;
    done();
    expect(seen.map(({ kind }) => kind)).toEqual([
      "activity",
      "abort",
      "close",
    ]);
  });

  it("tells as a value of what cannot be sent", async () => {
    const { client, done } = silent();
    const request = { bins: (() => 3) as unknown as number };
    expect((await client.ask("activity", 1, request)).error?.code).toBe(
      "INVALID_ARGUMENT",
    );
    client.close();
    done();
  });
});

describe("A session", () => {
  it("wants a recording first, and tells of what it does not know", async () => {
    await using library = await connect("memory:");
    const { client, close } = pair(library);
    expect((await client.ask("activity", 1, { bins: 3 })).error?.code).toBe(
      "CLOSED",
    );
    expect((await client.ask("open", 0, { url: "https://host" })).error?.code)
      .toBe("INVALID_ARGUMENT");
    expect((await client.ask("open", 0, { url: "test/gone" })).error?.code)
      .toBe("NOT_FOUND");
    expect((await client.ask("toString" as "look", 0, null)).error?.code).toBe(
      "UNSUPPORTED",
    );
    await close();
  });

  it("answers the newest of many requests of a panel, whatever comes in between", async () => {
    const [engine] = await allEngines();
    await using library = await recorded(engine, { [FIRST]: [rowsOf(5000)] });
    await using opened = await open(library, "s");
    const told: [number, SeriesAnswer][] = [];
    const asked = Array.from({ length: 30 }, (_, i) => {
      const request = {
        lines: ["abs(probe.x)"],
        fromNs: 0n,
        toNs: 1000n * BigInt(i + 1),
        pixels: 200,
      };
      return opened.client.ask("series", 1, request, {
        onPart: (answer) => told.push([i, answer]),
      });
    });
    const results = await Promise.all(asked);
    expect(results.map(({ error }) => error?.code)).toEqual([
      ...Array(29).fill("ABORTED"),
      undefined,
    ]);
    expect(told.map(([i]) => i)).toEqual([29]);
    expect(told[0][1]).toMatchObject({ shape: "points", rows: 30 });
  });

  it("refuses what makes no sense with what was seen and wanted", async () => {
    const [engine] = await allEngines();
    await using library = await recorded(engine, { [FIRST]: [rowsOf(3)] });
    await using opened = await open(library, "s");
    const { client } = opened;
    const window = { fromNs: 0n, toNs: 10n };
    const results = [
      await client.ask("series", 1, {
        lines: ["probe.x"],
        ...window,
        pixels: 0,
      }),
      await client.ask("series", 1, {
        lines: ["probe.x"],
        fromNs: 10n,
        toNs: 10n,
        pixels: 5,
      }),
      await client.ask("series", 1, {
        lines: ["probe.x"],
        ...window,
        pixels: 5,
        level: "all" as "rows",
      }),
      await client.ask("rows", 1, { topic: FIRST, fromNs: 0n, count: 1e9 }),
      await client.ask("rows", 1, {
        topic: FIRST,
        fromNs: 0n,
        count: 5,
        where: "d(probe.x) > 1",
      }),
      await client.ask("columns", 1, {
        topic: FIRST,
        columns: [],
        ...window,
        points: 100,
      }),
      await client.ask("export", 1, {
        format: "pdf" as "csv",
        topics: [FIRST],
        ...window,
      }),
      await client.ask("find", 1, { condition: "probe.x >" }),
    ];
    expect(results.map(({ error }) => error?.message)).toEqual([
      "pixels is 0, wanted a whole number from 1 to 16384",
      "The window is from 10 to 10, wanted its end after its start",
      "level is all, wanted auto, batches, detail, rows",
      "count is 1000000000, wanted a whole number from 1 to 10000",
      'Cannot filter rows by d(probe.x) > 1: it looks at the rows before, wanted fields of "probe" alone',
      "The number of columns is 0, wanted a whole number from 1 to 16",
      "Cannot export to pdf, wanted csv or arrow",
      "The expression ends here: wanted a field, a number or a function",
    ]);
  });

  it("answers early where it is asked to, and draws before all topics are open", async () => {
    const [engine] = await allEngines();
    await using library = await recorded(engine, {
      [FIRST]: [rowsOf(5)],
      [SECOND]: [rowsOf(4)],
    });
    const { client, close } = pair(library);
    const changed = new Promise<RecordingInfo>((resolve) => client.onChanged(resolve));
    const info = valueOf(
      await client.ask("open", 0, { url: "test/s", early: true }),
    );
    expect(
      info.topics.map((
        { name, rows, isOpen, fields },
      ) => [name, rows, isOpen, fields.length]),
    ).toEqual([
      [SECOND, 4, false, 0],
      [FIRST, 5, false, 0],
    ]);
    const answers: SeriesAnswer[] = [];
    const request = {
      lines: [`${SECOND}.x - 1`, "gone.x"],
      fromNs: 0n,
      toNs: 9000n,
      pixels: 100,
    };
    valueOf(
      await client.ask("series", 1, request, {
        onPart: (answer) => answers.push(answer),
      }),
    );
    expect(
      answers.filter(({ isFinal }) => isFinal).map((
        { line, shape },
      ) => [line, shape]).sort(),
    ).toEqual([
      [0, "points"],
      [1, "error"],
    ]);
    const after = await changed;
    expect(after.topics.map(({ isOpen, fields }) => [isOpen, fields.length]))
      .toEqual([[true, 5], [true, 5]]);
    expect(client.info).toEqual(after);
    await close();
  });

  it("follows a recording that grows, until it ends", async () => {
    for (const engine of await allEngines()) {
      await using library = clientWith(
        engine,
        keepingBatches(new MemoryStore()),
      );
      let opened: Awaited<ReturnType<typeof open>> | undefined;
      const changes: RecordingInfo[] = [];
      const points = async (line: string, toNs: bigint) => {
        const answers: SeriesAnswer[] = [];
        const request = { lines: [line], fromNs: 0n, toNs, pixels: 500 };
        valueOf(
          await opened!.client.ask("series", 1, request, {
            onPart: (part) => answers.push(part),
          }),
        );
        const last = answers.at(-1)!;
        if (last.shape !== "points") {
          throw new Error(`Seen ${JSON.stringify(last)}, wanted points`);
        }
        return [...last.y];
      };
      await library.sequenceCreate(
        "s",
        { autoFlush: false },
        async (sequence) => {
          const topic = await sequence.topicCreate(FIRST, { ontology: Probe });
          opened = await open(library, "s");
          const { client, info } = opened;
          client.onChanged((info) => changes.push(info));
          expect([info.state, info.isLive, info.rows, info.firstNs]).toEqual([
            "recording",
            true,
            0,
            undefined,
          ]);
          const push = async (count: number, fromNs: bigint) => {
            for (const { ns, data } of rowsOf(count, 10n, fromNs)) {
              await topic.push({ timestampNs: ns, data });
            }
            await sequence.flush();
            valueOf(await client.ask("look", 0, null));
          };
          await push(3, 1000n);
          expect(
            changes.map(({ rows, startNs, lastNs }) => [rows, startNs, lastNs]),
          ).toEqual([[
            3,
            1000n,
            1020n,
          ]]);
          expect(await points("abs(probe.x)", 5000n)).toEqual([0, 1, 2]);
          await push(2, 2000n);
          expect(changes.length).toBe(2);
          expect(client.info?.startNs).toBe(1000n);
          expect(await points("probe.x * 2", 5000n)).toEqual([0, 2, 4, 0, 2]);
          const [{ timestampNs }] = valueOf(
            await client.ask("at", 1, {
              ns: 5000n,
              wishes: [{ topic: FIRST }],
            }),
          );
          expect(timestampNs).toBe(2010n);
          const { rows } = valueOf(
            await client.ask("rows", 1, {
              topic: FIRST,
              fromNs: 5000n,
              count: 2,
              direction: "backward",
            }),
          );
          expect(rows.map(({ timestampNs }) => timestampNs)).toEqual([
            2000n,
            2010n,
          ]);
          valueOf(await client.ask("look", 0, null));
          expect(changes.length).toBe(2);
        },
      );
      valueOf(await opened!.client.ask("look", 0, null));
      expect(changes.at(-1)).toMatchObject({
        state: "finalized",
        isLive: false,
        rows: 5,
        startNs: 1000n,
      });
      expect(await points("probe.x", 5000n)).toEqual([0, 1, 2, 0, 1]);
      await opened![Symbol.asyncDispose]();
    }
  });

  it("plays: each tick tells what changed, a jump back begins anew, the end ends it", async () => {
    for (const engine of await allEngines()) {
      const others = rowsOf(10, 25n).map(({ ns, data }) => ({
        ns: ns + 3n,
        data,
      }));
      await using library = await recorded(engine, {
        [FIRST]: [rowsOf(100, 10n)],
        [SECOND]: [others],
      });
      await using opened = await open(library, "s");
      const frames: FrameAnswer[] = [];
      let arrived = () => {};
      const wishes = [{ topic: FIRST, fields: ["x"] }, {
        topic: SECOND,
        fields: ["x"],
      }];
      const playback = opened.client.play(
        1,
        { fromNs: 40n, speed: 1, wishes },
        (frame) => {
          frames.push(frame);
          arrived();
        },
      );
      const tick = async (ns: bigint) => {
        const next = new Promise<void>((resolve) => arrived = resolve);
        playback.tick(ns);
        await next;
        const { changes } = frames.at(-1)!;
        return changes.map(({ wish, timestampNs, content }) => {
          return [
            wish,
            timestampNs,
            content?.kind === "values" ? content.data.x : undefined,
          ];
        });
      };
      const first = new Promise<void>((resolve) => arrived = resolve);
      await first;
      expect(
        frames[0].changes.map(({ wish, timestampNs }) => [wish, timestampNs]),
      ).toEqual([[0, 40n], [
        1,
        28n,
      ]]);
      expect(await tick(52n)).toEqual([[0, 50n, 5]]);
      expect(await tick(95n)).toEqual([[0, 90n, 9], [1, 78n, 3]]);
      // Nothing comes of a tick that changes nothing.
      playback.tick(96n);
      expect(await tick(100n)).toEqual([[0, 100n, 10]]);
      expect(await tick(31n)).toEqual([[0, 30n, 3], [1, 28n, 1]]);
      expect(await tick(5000n)).toEqual([[0, 990n, 99], [1, 228n, 9]]);
      expect(await playback.ended).toEqual({ value: null });
      const count = frames.length;
      playback.tick(10n);
      expect(frames.length).toBe(count);
    }
  });

  it("stops playing when it is told to, in the midst of it", async () => {
    const [engine] = await allEngines();
    await using library = await recorded(engine, {
      [FIRST]: [rowsOf(100, 10n)],
    });
    await using opened = await open(library, "s");
    const play = (fromNs: bigint) =>
      opened.client.play(
        1,
        { fromNs, speed: 10, wishes: [{ topic: FIRST }] },
        () => {},
      );
    const first = play(0n);
    const second = play(10n);
    first.tick(50n);
    second.tick(50n);
    expect(await first.ended).toEqual({ value: null });
    second.stop();
    expect(await second.ended).toEqual({ value: null });
    // The session goes on.
    expect(
      valueOf(await opened.client.ask("activity", 1, { bins: 1 })).topics
        .length,
    ).toBe(1);
  });

  it("exports a window, and refuses a large one with the command that does it", async () => {
    const [engine] = await allEngines();
    await using library = await recorded(engine, {
      [FIRST]: [rowsOf(10)],
      [SECOND]: [rowsOf(4)],
    });
    await using opened = await open(library, "s");
    const request = {
      format: "csv" as const,
      topics: [FIRST, SECOND],
      fromNs: 2000n,
      toNs: 5000n,
    };
    const { files, messages } = valueOf(
      await opened.client.ask("export", 1, request),
    );
    expect([files.map(({ name }) => name), messages]).toEqual([[
      `${FIRST}.csv`,
      `${SECOND}.csv`,
    ], 5]);
    const text = await files[0].blob.text();
    expect(text.split("\r\n")).toEqual([
      "timestamp_ns,x,f,n,flag,mode",
      "2000,2.0,,,true,idle",
      "3000,3.0,,,false,idle",
      "4000,4.0,,,true,idle",
      "",
    ]);
    const arrow = valueOf(
      await opened.client.ask("export", 1, { ...request, format: "arrow" }),
    );
    expect((await arrow.files[0].blob.text()).slice(0, 6)).toBe("ARROW1");
    const { error } = await opened.client.ask("export", 1, {
      ...request,
      maxBytes: 50,
    });
    expect(error).toMatchObject({
      code: "TOO_LARGE",
      command: "smalti export s --to csv --topics probe,other/x-1 --start 2000 --end 5000 -o s",
    });
  });

  it("checks all of it, and gives attachments", async () => {
    await using library = await connect("memory:");
    await library.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate(FIRST, { ontology: Probe });
      for (const { ns, data } of rowsOf(5)) {
        await topic.push({ timestampNs: ns, data });
      }
      await sequence.attach(
        { name: "notes.txt" },
        new TextEncoder().encode("hello"),
      );
    });
    await using opened = await open(library, "s");
    const told: number[] = [];
    const { errors } = valueOf(
      await opened.client.ask("verify", 1, {}, {
        onPart: ({ done }) => told.push(done),
      }),
    );
    expect([errors, told.at(-1)]).toEqual([[], 5]);
    const { bytes } = valueOf(
      await opened.client.ask("attachment", 1, { index: 0 }),
    );
    expect(new TextDecoder().decode(bytes)).toBe("hello");
    expect((await opened.client.ask("attachment", 1, { index: 7 })).error?.code)
      .toBe("NOT_FOUND");
    expect(valueOf(await opened.client.ask("list", 1, { url: "test/" })))
      .toMatchObject([{
        name: "s",
        rows: 5,
      }]);
  });
});
