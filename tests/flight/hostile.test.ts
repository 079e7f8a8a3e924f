import process from "node:process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { toFlight } from "../../src/flight/ipc.ts";
import { columnsOf, tableFields } from "../support/tables.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { act, beginTopic, command, put, serving, statusOf } from "./support.ts";

const seed = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

const utf8: FieldSchema = { name: "text", type: { kind: "utf8", offsets: 32 }, nullable: true, children: [] };
const payload: readonly FieldSchema[] = [
  utf8,
  {
    name: "list",
    type: { kind: "list", offsets: 32 },
    nullable: true,
    children: [{ ...utf8, name: "item" }],
  },
  { name: "flag", type: { kind: "bool" }, nullable: true, children: [] },
  { name: "half", type: { kind: "float", bits: 16 }, nullable: false, children: [] },
];
const fields = tableFields(payload);
const rows = Array.from({ length: 20 }, (_, i) => ({
  text: i % 3 === 0 ? undefined : `text ${i}`,
  list: i % 4 === 0 ? undefined : Array.from({ length: i % 5 }, (_, k) => (k === 2 ? undefined : `${k}`)),
  flag: i % 2 === 0,
  half: i,
}));

describe("Server", () => {
  it(`takes damaged uploads for the client's mistake, whatever is damaged (seed ${seed})`, async () => {
    const schema = toFlight(encodeSchemaMessage({ fields, metadata: new Map() }));
    const batch = toFlight(encodeBatch(columnsOf(payload, rows)));
    const parts = [schema.dataHeader, batch.dataHeader, batch.dataBody];
    const damage = fc.record({
      part: fc.nat(2),
      at: fc.nat(9999).map((part) => part / 10_000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      cut: fc.boolean(),
    });
    const defects: unknown[] = [];
    await serving({ onError: (reason) => defects.push(reason) }, async ({ act: call, flight, client }) => {
      let number = 0;
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
          const changed = parts.map((part) => part.slice());
          for (const { part, at, bytes, cut } of damages) {
            const start = Math.floor(at * changed[part].length);
            if (cut) changed[part] = changed[part].slice(0, start);
            else changed[part].set(bytes.subarray(0, changed[part].length - start), start);
          }
          const name = `s${number++}`;
          const { descriptor, session, locator } = await beginTopic(call, name);
          const status = await statusOf(() =>
            put(
              flight,
              async function* () {
                yield { flightDescriptor: command(descriptor), dataHeader: changed[0] };
                yield { dataHeader: changed[1], dataBody: changed[2] };
              }(),
            )
          );
          const code = /^\[(\w+)\]/.exec(status)?.[1] ?? status;
          outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
          expect(["ok", "invalid_argument", "aborted"]).toContain(code);
          if (code !== "ok") {
            await act(flight, "session_delete", { locator });
            return;
          }
          await act(flight, "session_finalize", { session_uuid: session });
          // What was taken can be read, to the last value.
          for await (const block of (await client.sequenceHandler(name)).getDataStreamer().batches()) {
            for (const [, message] of block) message.toJSON();
          }
        }),
        { seed, numRuns: 300, endOnFailure: true },
      );
      expect([...outcomes.keys()]).toContain("ok");
      expect([...outcomes.keys()]).toContain("invalid_argument");
      expect(defects).toEqual([]);
    });
  });
});
