import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { inDirectory } from "../support/places.ts";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { serving } from "./support.ts";

/** Runs a part of sdk_facts.py against a server; what it prints as JSON. */
function sdk(part: string, port: number, ...args: string[]): Promise<unknown> {
  return runPython("sdk_facts.py", part, `${port}`, ...args);
}

const TIME = 1700000000000000001n;

describe.skipIf(!hasSdk)(
  `What users of Mosaico's Python SDK keep${needsSdk}`,
  () => {
    it("test_times_in_metadata_are_found", () =>
      serving({}, async ({ server }) => {
        expect(await sdk("times_found", server.port)).toEqual({
          eq: "a",
          "eq next": "b",
          // As a float64 it is 1700000000000000000.
          "eq float": "c",
          neq: "b c d",
          lt: "a c",
          leq: "a c",
          gt: "b",
          geq: "b",
          between: "a",
          outside: "b c",
          in: "b",
          text: "d",
        });
      }));

    it("test_big_integers_in_metadata", () =>
      serving({}, async ({ client, server }) => {
        expect(await sdk("big_integers", server.port)).toBe(true);
        const wanted = {
          time: TIME,
          next: TIME + 1n,
          edge: 2n ** 53n + 1n,
          least: -(2n ** 63n),
          most: 2n ** 64n - 1n,
          huge: 10n ** 100n + 1n,
          deep: { list: [1, TIME, { at: -TIME }] },
        };
        const remote = await connect(server.url);
        for (const each of [client, remote]) {
          const handler = await each.sequenceHandler("integers");
          expect(handler.metadata).toEqual(wanted);
          expect((await handler.topicHandler("t")).metadata).toEqual(wanted);
        }
        // And from here to there.
        await remote.sequenceCreate(
          "again",
          { metadata: wanted },
          async (sequence) => {
            await sequence.topicCreate("t", {
              ontology: (await import("../../mod.ts")).Temperature,
              metadata: wanted,
            });
          },
        );
        expect((await client.sequenceHandler("again")).metadata).toEqual(wanted);
        await remote.close();
      }));

    it("test_floats_stay_floats_in_metadata", () =>
      inDirectory(async (directory) => {
        const store = join(directory, "store");
        await serving({}, async ({ server }) => {
          expect(await sdk("floats", server.port)).toBe(true);
          expect(await sdk("big_integers", server.port)).toBe(true);
        }, store);
        // Another server, and all that writes the manifest anew.
        await serving({}, async ({ client, server }) => {
          for (const name of ["floats", "integers"]) {
            await client.compact(name);
            expect((await client.recover(name)).changed).toBe(false);
            await client.sequenceUpdate(
              name,
              {},
              (sequence) => sequence.attach({ name: "x" }, Uint8Array.of(1)),
            );
            expect(await sdk("still", server.port, name)).toBe(true);
          }
          expect(await sdk("more", server.port)).toBe(true);
          // What was read is given to another sequence as it is.
          const { metadata } = await client.sequenceInfo("floats");
          expect(metadata).toMatchObject({ whole: 3, "negative zero": -0, large: 1e16, int: 3 });
        }, store);
      }));

    it("test_session_delete_of_finalized", () =>
      serving({}, async ({ server }) => {
        expect(await sdk("session_deleted", server.port)).toEqual({
          topics: ["/second", "/third"],
          times: [3, 4],
          sessions: 1,
          again: "ArrowKeyError",
          left: [["s"], [], [], { car: 1 }],
          new: [5],
        });
      }));

    it("test_session_locator_stays", () =>
      inDirectory(async (directory) => {
        const store = join(directory, "store");
        const { told, after } = await serving({}, async ({ server }) => {
          return await sdk("locators", server.port) as {
            told: string[][];
            after: string[];
          };
        }, store);
        expect(after).toHaveLength(2);
        expect(told).toEqual(after.map((locator) => [locator, locator]));
        await serving({}, async ({ client, server }) => {
          expect(await sdk("locators_now", server.port)).toEqual(after);
          await client.compact("s");
          expect(await sdk("locators_now", server.port)).toEqual(after);
        }, store);
      }));

    it("test_two_writers_of_one_sequence", () =>
      serving({}, async ({ server }) => {
        expect(await sdk("two_writers", server.port)).toEqual([["/base", "/one", "/two"], [1, 2, 3]]);
      }));
  },
);
