import { describe, expect, it } from "vitest";
import { connect, defineOntology, float64, list, type SequenceHandler, struct } from "../../mod.ts";
import { connect as connectSlim } from "../../src/entry/slim.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { importMcap } from "../../src/import/mod.ts";
import { thrownBy } from "../support/errors.ts";
import { withClient } from "../support/places.ts";
import { recordSequence, Sample, texts } from "../support/sample_rows.ts";

/** Options that no call has; the type checker would not let them pass. */
// deno-lint-ignore no-explicit-any -- as from JavaScript
const WRONG: any = { signall: undefined };
const FIELD = { topic: "a", field: "serial" };

async function expectUnknown(call: () => unknown, ...texts: string[]): Promise<void> {
  const reason = await thrownBy(call);
  expect(reason).toBeInstanceOf(TypeError);
  for (const text of texts) expect((reason as Error).message).toContain(text);
}

describe("An unknown option", () => {
  it("is refused by every call that takes options", async () => {
    await withClient("memory", async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const sequence = await client.sequenceCreate("new");
      const handler = await client.sequenceHandler("s");
      const topic = await handler.topicHandler("a");
      const sync = (fields: Parameters<SequenceHandler["getSyncStreamer"]>[0]["fields"]) => ({
        periodNs: 1n,
        fields,
      });
      const calls: [() => unknown, string][] = [
        [() => connect("memory:", WRONG), "Cannot connect"],
        [() => connectSlim("memory:", WRONG), "Cannot connect"],
        [() => connect("grpc+tls://127.0.0.1:1", { tls: WRONG }), "with tls"],
        [() => client.listSequences(WRONG), "Cannot list sequences"],
        [() => client.sequenceCreate("x", WRONG), 'Cannot create sequence "x"'],
        [() => client.sequenceCreate("x", { autoFlush: WRONG }), "Cannot flush by itself"],
        [() => client.sequenceUpdate("s", WRONG), 'Cannot update sequence "s"'],
        [() => client.sequenceHandler("s", WRONG), 'Cannot open sequence "s"'],
        [() => client.query(WRONG), "Cannot query"],
        [() => client.query({}, WRONG), "Cannot query"],
        [() => sequence.topicCreate("t", { ontology: Sample, ...WRONG }), 'Cannot create topic "t"'],
        [
          () => sequence.attach({ name: "n", ...WRONG }, new Uint8Array(0)),
          'Cannot attach to sequence "new"',
        ],
        [() => handler.getDataStreamer(WRONG), 'Cannot stream sequence "s"'],
        [() => handler.getDataStreamer().toTable(WRONG), "Cannot make a table"],
        [
          () => handler.getColumnStreamer({ fields: ["x"], ...WRONG }),
          'Cannot stream columns of sequence "s"',
        ],
        [
          () => handler.getColumnStreamer({ fields: { x: { ...FIELD, ...WRONG } } }),
          'Cannot stream columns of sequence "s": field "x"',
        ],
        [() => topic.getColumnStreamer({ fields: ["x"], ...WRONG }), 'Cannot stream columns of topic "a"'],
        [() => handler.latestAt(1n, WRONG), 'Cannot look into sequence "s"'],
        [() => handler.getSyncStreamer({ ...sync({}), ...WRONG }), "Cannot sync"],
        [() => handler.getSyncStreamer(sync({ x: { ...FIELD, ...WRONG } })), 'Cannot sync "x"'],
        [() => handler.getSyncStreamer(sync({ x: FIELD })).toTable(WRONG), "Cannot make a table"],
        [() => topic.getDataStreamer(WRONG), 'Cannot stream topic "a" of sequence "s"'],
        [() => topic.getDataStreamer().toTable(WRONG), "Cannot make a table"],
        [() => topic.latestAt(1n, WRONG), 'Cannot look into topic "a"'],
        [() => handler.activity({ buckets: 1, ...WRONG }), 'Cannot tell the activity of sequence "s"'],
        [() => handler.stats(WRONG), 'Cannot tell statistics of sequence "s"'],
        [
          () => topic.series({ fields: [], buckets: 1, ...WRONG }),
          'Cannot make a series of topic "a"',
        ],
        [() => topic.countRows([], WRONG), 'Cannot count rows of topic "a"'],
        [() => topic.verify(WRONG), 'Cannot verify topic "a"'],
        [() => importMcap(client, new Uint8Array(0) as never, { name: "x", ...WRONG }), "Cannot import"],
        [() => createServer(client, WRONG), "Cannot serve"],
        [() => createServer(client, { tls: WRONG }), "Cannot serve with tls"],
        [() => defineOntology("X", { a: float64() }, WRONG), 'Cannot define ontology "X"'],
        [() => float64(WRONG), "Cannot make a field"],
        [() => list(float64(), WRONG), "Cannot make a field"],
        [() => struct({ a: float64() }, WRONG), "Cannot make a field"],
      ];
      for (const [call, tried] of calls) await expectUnknown(call, tried, '"signall"');
      expect(await client.listSequences()).toEqual(["new", "s"]);
      expect(sequence.status).toBe("open");
      await sequence.abort();
    });
  });

  it("is told with the name that was meant, or those that there are", async () => {
    await withClient("memory", async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const handler = await client.sequenceHandler("s");
      // deno-lint-ignore no-explicit-any -- as from JavaScript
      const stream = (options: any) => () => handler.getDataStreamer(options);
      await expectUnknown(stream({ topic: ["a"] }), 'there is no option "topic"; did you mean "topics"?');
      await expectUnknown(stream({ startNS: 1n }), 'there is no option "startNS"; did you mean "startNs"?');
      await expectUnknown(
        stream({ x: 1n }),
        'no option "x"; wanted startNs, endNs, signal, maxBufferedBytes, limit, reverse, topics',
      );
      await expectUnknown(stream(null), "options are null, wanted an object");
      await expectUnknown(stream("a"), "options are a, wanted an object");
      // What an object has of its class is none of its options.
      expect(stream(Object.create({ topic: ["a"] }))().constructor.name).toBe("SequenceStreamer");
    });
  });
});

describe("Options", () => {
  /** Options that are there and say nothing. */
  // deno-lint-ignore no-explicit-any -- of any interface
  const unsaid = (...names: string[]): any => Object.fromEntries(names.map((name) => [name, undefined]));
  const kinds: Record<string, (options: object) => object> = {
    "in an object": (options) => options,
    "in an object without prototype": (options) => Object.assign(Object.create(null), options),
    "in what an object inherits": (options) => Object.create(options),
  };

  it.each(Object.keys(kinds))("may all be undefined, %s", async (kind) => {
    // deno-lint-ignore no-explicit-any -- of any interface
    const as = (options: object): any => kinds[kind](options);
    await withClient("memory", async (client) => {
      await recordSequence(client, "s", { a: [1, 2] });
      const handler = await client.sequenceHandler("s");
      const topic = await handler.topicHandler("a");
      const session = ["errorPolicy", "maxBufferedBytes", "autoFlush", "latenessNs"];
      const stream = ["startNs", "endNs", "signal", "maxBufferedBytes"];
      const connecting = unsaid("engine", "wasm", "arrow", "apiKey", "tls", "timeoutMs", "signal");
      await (await connect("memory:", as(connecting))).close();
      expect(await client.listSequences(as(unsaid("details")))).toEqual(["s"]);
      const created = await client.sequenceCreate("x", as(unsaid(...session, "metadata", "ifExists")));
      await created.topicCreate("t", as({ ontology: Sample, metadata: undefined }));
      await created.attach(
        as({ name: "n", ...unsaid("mediaType", "timestampNs", "createdNs") }),
        new Uint8Array(1),
      );
      expect((await created.finalize()).state).toBe("finalized");
      await client.sequenceUpdate("x", as(unsaid(...session)), () => {});
      await client.sequenceUpdate("x", { autoFlush: as(unsaid("intervalMs", "bytes")) }, () => {});
      expect((await client.sequenceHandler("s", as(unsaid("follow")))).name).toBe("s");
      const asked = client.query(
        as(unsaid("sequence", "topic", "ontology")),
        as(unsaid("signal", "onError")),
      );
      expect(await asked).toEqual([]);
      const all = handler.getDataStreamer(as(unsaid(...stream, "topics", "follow", "onLate")));
      expect(await texts(all)).toHaveLength(2);
      expect(await texts(topic.getDataStreamer(as(unsaid(...stream))))).toHaveLength(2);
      expect(await topic.latestAt(2n, as(unsaid("signal")))).toMatchObject({ timestampNs: 2n });
      const latest = await handler.latestAt(2n, as(unsaid("topics", "signal")));
      expect([...latest.keys()]).toEqual(["a"]);
      expect(await topic.countRows([], as(unsaid("signal")))).toEqual([]);
      const range = { buckets: 1, ...unsaid("startNs", "endNs", "signal") };
      expect([...(await handler.activity(as({ ...range, topics: undefined }))).topics.keys()]).toEqual(["a"]);
      expect([...(await topic.series(as({ ...range, fields: [] }))).count]).toEqual([2]);
      expect((await handler.stats(as(unsaid("topics", "fields", "signal")))).get("a")!.count).toBe(2);
      expect(await topic.verify(as(unsaid("deep", "signal")))).toEqual([]);
      const server = await createServer(
        client,
        as({
          port: 0,
          ...unsaid("host", "tls", "apiKeys", "readOnly", "maxMessageBytes", "maxBufferedBytes"),
          ...unsaid("idleTimeoutMs", "readTimeoutMs", "sessionTimeoutMs", "onCall", "onError"),
        }),
      );
      await server.close();
      const field = float64(as(unsaid("unit", "description")));
      expect(defineOntology("X", { a: field }, as(unsaid("format"))).fields).toHaveLength(1);
    });
  });

  it("count wherever an object has them", async () => {
    await withClient("memory", async (client) => {
      class Careful {
        get errorPolicy(): "delete" {
          return "delete";
        }
      }
      const sequence = await client.sequenceCreate("s", new Careful());
      await sequence.abort();
      expect(await client.listSequences()).toEqual([]);
    });
  });
});

describe("NOT_FOUND", () => {
  it("tells the name that was meant: of sequences, topics and fields", async () => {
    await withClient("memory", async (client) => {
      await recordSequence(client, "drive_log_01", { "gps/front": [1], imu: [2] });
      const handler = await client.sequenceHandler("drive_log_01");
      const sync = (topic: string, field: string) =>
        handler.getSyncStreamer({ periodNs: 1n, fields: { x: { topic, field } } }).next();
      const calls: [() => unknown, string][] = [
        [
          () => client.sequenceHandler("drive_lgo_01"),
          'No sequence "drive_lgo_01" in memory:; did you mean "drive_log_01"?',
        ],
        [() => client.sequenceInfo("drive_log_1"), 'did you mean "drive_log_01"?'],
        [() => client.sequenceUpdate("Drive_log_01"), 'did you mean "drive_log_01"?'],
        [() => client.sequenceDelete("drive-log-01"), 'did you mean "drive_log_01"?'],
        [() => client.recover("drive_log_02"), 'did you mean "drive_log_01"?'],
        [() => client.compact("drive_log_02"), 'did you mean "drive_log_01"?'],
        [() => client.listSequenceNotifications("drive_log_02"), 'did you mean "drive_log_01"?'],
        [() => client.clearTopicNotifications("drive_log_01", "imus"), 'did you mean "imu"?'],
        [() => handler.topicHandler("gps/frnt"), 'it has gps/front, imu; did you mean "gps/front"?'],
        [() => handler.getDataStreamer({ topics: ["inu"] }), 'did you mean "imu"?'],
        [() => sync("imu", "serail"), 'did you mean "serial"?'],
        [() => sync("imu", "place.z"), '"z" is none of x, y'],
        [() => sync("inu", "serial"), 'did you mean "imu"?'],
      ];
      for (const [call, text] of calls) {
        const reason = await thrownBy(call);
        expect(reason).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining(text) });
      }
      expect((await thrownBy(() => client.sequenceHandler("other")) as Error).message)
        .toBe('[NOT_FOUND] No sequence "other" in memory:');
    });
  });
});

describe("Messages", () => {
  it("suggest a legal name, as an import makes it", async () => {
    await withClient("memory", async (client) => {
      for (const [name, legal] of [["flight.1", "flight_1"], ["../a b", "a_b"], ["été", "t_"]]) {
        const reason = await thrownBy(() => client.sequenceCreate(name));
        expect(reason).toMatchObject({
          code: "INVALID_NAME",
          message: expect.stringContaining(`such as "${legal}"`),
        });
        await client.sequenceCreate(legal, {}, () => {});
      }
      expect((await thrownBy(() => client.sequenceCreate("...")) as Error).message).toMatch(
        /letter or digit$/,
      );
    });
  });

  it("say of a session that takes nothing more how that comes about", async () => {
    await withClient("memory", async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await sequence.topicCreate("t", { ontology: Sample });
      const ended = sequence.finalize();
      const text = "it is finalizing, wanted open; is an await missing before what pushes or finalizes?";
      for (
        const call of [() => topic.push({} as never), () => sequence.topicCreate("u", { ontology: Sample })]
      ) {
        const reason = await thrownBy(call);
        expect(reason).toMatchObject({ code: "CLOSED", message: expect.stringContaining(text) });
      }
      await ended;
      const given = await client.sequenceCreate("given_up");
      await given.abort();
      const reason = await thrownBy(() => given.flush());
      expect(reason).toMatchObject({
        code: "CLOSED",
        message: expect.stringMatching(/it is aborted, wanted open$/),
      });
    });
  });
});
