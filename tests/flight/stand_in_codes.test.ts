import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  type ErrorPolicy,
  float64,
  type SequenceWriter,
} from "../../mod.ts";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import type { ErrorCode, ErrorDetails } from "../../src/error.ts";
import { toFlight } from "../../src/flight/ipc.ts";
import { type Moment, standIn } from "./stand_in.ts";
import { errorOf, VALUE_FIELDS, valueBatch } from "./support.ts";

const Value = defineOntology("Value", { value: float64() });

/** What a program sees of each status; written down here once more, since the table in `status.ts` is what is tested. */
const SEEN: readonly (readonly [Code, ErrorCode])[] = [
  [Code.Canceled, "ABORTED"],
  [Code.Unknown, "INTERNAL"],
  [Code.InvalidArgument, "INVALID_ARGUMENT"],
  [Code.DeadlineExceeded, "TIMEOUT"],
  [Code.NotFound, "NOT_FOUND"],
  [Code.AlreadyExists, "ALREADY_EXISTS"],
  [Code.PermissionDenied, "PERMISSION_DENIED"],
  [Code.ResourceExhausted, "TOO_LARGE"],
  [Code.FailedPrecondition, "LOCKED"],
  [Code.Aborted, "ABORTED"],
  [Code.OutOfRange, "INVALID_ARGUMENT"],
  [Code.Unimplemented, "UNSUPPORTED"],
  [Code.Internal, "INTERNAL"],
  [Code.Unavailable, "UNAVAILABLE"],
  [Code.DataLoss, "CORRUPT"],
  [Code.Unauthenticated, "UNAUTHENTICATED"],
];

/** Writes a batch, and after it is taken another. */
async function write(client: Client): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("a", { ontology: Value });
    for (const time of [1n, 2n]) {
      await topic.push({ timestampNs: time, data: { value: 1 } });
      await topic.flush();
    }
  });
}

async function read(client: Client, startNs?: bigint): Promise<void> {
  const options = startNs === undefined ? {} : { startNs };
  for await (const _ of (await client.sequenceHandler("s")).getDataStreamer(options));
}

/** A session with a topic, left by a policy. */
async function abort(client: Client, policy: ErrorPolicy): Promise<void> {
  const sequence: SequenceWriter = await client.sequenceCreate("s");
  await sequence.topicCreate("a", { ontology: Value });
  await sequence.abort(new Error("out of fuel"), policy);
}

type Case = [
  call: string,
  moment: Moment,
  body: (client: Client) => Promise<unknown>,
  what: string,
  details: ErrorDetails,
];

const s: ErrorDetails = { sequence: "s" };
const a: ErrorDetails = { sequence: "s", topic: "a" };
const cases: Case[] = [
  ["ListFlights", "start", (client) => client.listSequences(), "Cannot list sequences", {}],
  ["GetFlightInfo", "start", (client) => client.sequenceHandler("s"), 'Cannot read sequence "s"', s],
  // A window has tickets of its own.
  ["GetFlightInfo", "middle", (client) => read(client, 1n), 'Cannot read topic "a" of sequence "s"', a],
  ["GetSchema", "start", (client) => read(client), 'Cannot open topic "a" of sequence "s"', a],
  ["DoGet", "start", (client) => read(client), 'Cannot read topic "a" of sequence "s"', a],
  ["DoGet", "middle", (client) => read(client), 'Cannot read topic "a" of sequence "s"', a],
  ["DoGet", "end", (client) => read(client), 'Cannot read topic "a" of sequence "s"', a],
  ["sequence_create", "start", write, 'Cannot create sequence "s"', s],
  ["session_create", "start", write, 'Cannot create sequence "s"', s],
  ["session_create", "start", (client) => client.sequenceUpdate("s"), 'Cannot update sequence "s"', s],
  ["topic_create", "start", write, 'Cannot create topic "a" of sequence "s"', a],
  ["DoPut", "start", write, 'Cannot write topic "a" of sequence "s"', a],
  ["DoPut", "middle", write, 'Cannot write topic "a" of sequence "s"', a],
  ["DoPut", "end", write, 'Cannot write topic "a" of sequence "s"', a],
  ["session_finalize", "start", write, 'Cannot finalize sequence "s"', {}],
  ["session_finalize", "start", (client) => abort(client, "report"), 'Cannot abort sequence "s"', {}],
  ["session_delete", "start", (client) => abort(client, "delete"), 'Cannot abort sequence "s"', {}],
  ["sequence_delete", "start", (client) => abort(client, "delete"), 'Cannot abort sequence "s"', {}],
  ["sequence_delete", "start", (client) => client.sequenceDelete("s"), 'Cannot delete sequence "s"', s],
];

const parts = [
  toFlight(encodeSchemaMessage({ fields: VALUE_FIELDS, metadata: new Map() })),
  toFlight(encodeBatch(valueBatch([1n], [1]))),
  toFlight(encodeBatch(valueBatch([2n], [2]))),
];

describe("A status of a server", () => {
  it("is one of 16", () =>
    expect(SEEN.map(([code]) => code)).toEqual([...Array(16).keys()].map((i) => i + 1)));

  for (const [call, at, body, what, details] of cases) {
    it(`of ${call} at its ${at}: ${what}, with the code for it and the server's words`, async () => {
      for (const [code, ours] of SEEN) {
        const told = { parts, refuses: { call, code, at, message: `no, ${Code[code]}: ü` } };
        await standIn(told, async (url) => {
          const client = await connect(url);
          const error = await errorOf(() => body(client));
          expect(error.code).toBe(ours);
          expect(error.details).toMatchObject(details);
          expect(error.message).toContain(`[${ours}] ${what}: no, ${Code[code]}: ü`);
          await client.close();
        });
      }
    });
  }

  it("of info ends connecting, but for UNAVAILABLE, which is tried again until the time is over", async () => {
    for (const [code, ours] of SEEN) {
      await standIn({ refuses: { call: "info", code, message: "not today" } }, async (url, { calls }) => {
        const timeoutMs = code === Code.Unavailable ? 200 : 60_000;
        const error = await errorOf(() => connect(url, { timeoutMs }));
        expect(error.code).toBe(ours);
        expect(error.message).toContain(`Cannot connect to ${url}: `);
        expect(error.message).toContain("not today");
        if (code === Code.Unavailable) expect(calls.length).toBeGreaterThan(1);
        else expect(calls).toEqual(["info"]);
      });
    }
  });

  it("of a notification leaves the session to end as it would", async () => {
    const ends = { report: ["session_finalize"], delete: ["session_delete", "sequence_delete"] };
    for (const call of ["topic_notification_create", "sequence_notification_create"]) {
      for (const [code] of SEEN) {
        for (const policy of ["report", "delete"] as const) {
          await standIn({ refuses: { call, code, message: "no" } }, async (url, { calls }) => {
            const client = await connect(url);
            await abort(client, policy);
            expect(calls.slice(-ends[policy].length)).toEqual(ends[policy]);
            await client.close();
          });
        }
      }
    }
  });

  it("of session_create takes the sequence back that was made for it", () =>
    standIn(
      { refuses: { call: "session_create", code: Code.Internal, message: "no" } },
      async (url, seen) => {
        const client = await connect(url);
        await errorOf(() => write(client));
        expect(seen.calls).toEqual(["info", "sequence_create", "session_create", "sequence_delete"]);
        await client.close();
      },
    ));
});
