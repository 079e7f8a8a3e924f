import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { until } from "../support/cli_process.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";
import {
  act as actOn,
  beginTopic,
  command,
  endpointsOf,
  heldUpload,
  metadataOf,
  put,
  type Served,
  serving,
  statusOf,
  upload,
  VALUE_FIELDS,
  valueBatch,
} from "./support.ts";

type Session = { uuid: string; locator: string };

async function beginSession({ act }: Served, locator = "drive"): Promise<Session> {
  return await act("session_create", { locator }) as Session;
}

/** Creates a topic; the descriptor of its upload. */
async function createTopic({ act }: Served, { uuid }: Session, topic: string): Promise<object> {
  const created = await act("topic_create", {
    session_uuid: uuid,
    locator: `drive/${topic}`,
    serialization_format: "default",
    ontology_tag: "Value",
    user_metadata: {},
  }) as { uuid: string };
  return { resource_locator: `drive/${topic}`, topic_uuid: created.uuid };
}

async function uploadTo({ flight }: Served, descriptor: object, time: bigint): Promise<void> {
  await put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([time], [Number(time)])]));
}

async function driveInfo({ flight }: Served) {
  return await flight.rpc.getFlightInfo(command({ resource_locator: "drive" }));
}

describe("Sessions of one sequence", () => {
  it("are written side by side, each with topics of its own", () =>
    serving({}, async (served) => {
      const { act, client } = served;
      await act("sequence_create", { locator: "drive", user_metadata: { vehicle: "A" } });
      const [a, b] = [await beginSession(served), await beginSession(served)];
      const ofA = await createTopic(served, a, "a");
      const ofB = await createTopic(served, b, "b");
      expect(await statusOf(() => createTopic(served, b, "a"))).toMatch(/^\[already_exists\]/);
      expect(metadataOf((await driveInfo(served)).appMetadata)).toMatchObject({
        sessions: [
          { locator: a.locator, locked: false, topics: ["drive/a"] },
          { locator: b.locator, locked: false, topics: ["drive/b"] },
        ],
      });
      await uploadTo(served, ofB, 2n);
      await uploadTo(served, ofA, 1n);
      await act("session_finalize", { session_uuid: a.uuid });
      await act("session_finalize", { session_uuid: b.uuid });
      expect(endpointsOf(await driveInfo(served)).map((topic) => [topic.resource_locator, topic.locked]))
        .toEqual([["drive/a", true], ["drive/b", true]]);
      expect(await client.sequenceInfo("drive")).toMatchObject({
        state: "finalized",
        metadata: { vehicle: "A" },
        topics: [{ name: "a", rowCount: 1 }, { name: "b", rowCount: 1 }],
      });
    }));

  it("are deleted one by one, the sequence stays, and then takes another", () =>
    serving({}, async (served) => {
      const { act, client } = served;
      await act("sequence_create", { locator: "drive", user_metadata: { vehicle: "A" } });
      const [a, b] = [await beginSession(served), await beginSession(served)];
      await uploadTo(served, await createTopic(served, a, "a"), 1n);
      await uploadTo(served, await createTopic(served, b, "b"), 2n);
      await act("session_delete", { locator: a.locator });
      expect(endpointsOf(await driveInfo(served)).map((topic) => topic.resource_locator)).toEqual([
        "drive/b",
      ]);
      await act("session_delete", { locator: b.locator });
      expect(metadataOf((await driveInfo(served)).appMetadata)).toMatchObject({
        user_metadata: { vehicle: "A" },
        sessions: [],
      });
      const c = await beginSession(served);
      await uploadTo(served, await createTopic(served, c, "a"), 3n);
      await act("session_finalize", { session_uuid: c.uuid });
      expect(await client.sequenceInfo("drive")).toMatchObject({
        metadata: { vehicle: "A" },
        topics: [{ name: "a", firstNs: 3n }],
      });
    }));

  it("go by one locator from their creation on, and are deleted by it with their topics when they are finalized", () =>
    inDirectory(async (directory) => {
      const created: Session[] = [];
      const located = async (served: Served) => {
        const { sessions } = metadataOf((await driveInfo(served)).appMetadata);
        return (sessions as { locator: string }[]).map(({ locator }) => locator);
      };
      await serving({}, async (served) => {
        await served.act("sequence_create", { locator: "drive", user_metadata: {} });
        for (const [i, topic] of ["a", "b"].entries()) {
          created.push(await beginSession(served));
          expect((await located(served))[i]).toBe(created[i].locator);
          await uploadTo(served, await createTopic(served, created[i], topic), 1n);
          await served.act("session_finalize", { session_uuid: created[i].uuid });
        }
        expect(await located(served)).toEqual(created.map(({ locator }) => locator));
      }, directory);
      const [a, b] = created.map(({ locator }) => locator);
      await serving({}, async (served) => {
        expect(await located(served)).toEqual([a, b]);
        await served.act("session_delete", { locator: a });
        expect(await located(served)).toEqual([b]);
        expect(endpointsOf(await driveInfo(served)).map((topic) => topic.resource_locator)).toEqual([
          "drive/b",
        ]);
        expect(await statusOf(() => served.act("session_delete", { locator: a }))).toMatch(/^\[not_found\]/);
        expect((await readdir(join(directory, "drive"))).sort()).toEqual(["b.arrow", "sequence.json"]);
        const remote = await connect(served.server.url);
        const c = await beginSession(served);
        await expectError(() => remote.sessionDelete("drive", c.locator.slice(6)), "LOCKED", "being written");
        await served.act("session_delete", { locator: c.locator });
        await remote.sessionDelete("drive", b.slice(6));
        await expectError(() => remote.sessionDelete("drive", b.slice(6)), "NOT_FOUND");
        expect(await remote.sequenceInfo("drive")).toMatchObject({
          state: "finalized",
          sessions: [],
          topics: [],
        });
        expect((await remote.sequenceHandler("drive")).rowCount).toBe(0);
        await remote.close();
      }, directory);
    }));

  it("tell smalti's clients what has come so far, and others of no interval to be read", () =>
    serving({}, async (served) => {
      const { act, server } = served;
      await act("sequence_create", { locator: "drive", user_metadata: {} });
      const session = await beginSession(served);
      const remote = await connect(server.url);
      expect((await remote.sequenceInfo("drive")).live).toEqual({ topics: [], writer: "alive" });
      await uploadTo(served, await createTopic(served, session, "a"), 7n);
      await createTopic(served, session, "b");
      expect(endpointsOf(await driveInfo(served))).toMatchObject([
        { resource_locator: "drive/a", locked: false, data_info: { interval: null, total_row_count: 0 } },
        { resource_locator: "drive/b", locked: false, data_info: { interval: null, total_row_count: 0 } },
      ]);
      expect(await remote.sequenceInfo("drive")).toMatchObject({
        state: "recording",
        topics: [],
        live: {
          writer: "alive",
          topics: [{ name: "a", rowCount: 1, firstNs: 7n, lastNs: 7n }, { name: "b", rowCount: 0 }],
        },
      });
      await act("topic_delete", { locator: "drive/b" });
      await act("session_finalize", { session_uuid: session.uuid });
      const info = await remote.sequenceInfo("drive");
      expect(info).toMatchObject({ state: "finalized", topics: [{ name: "a", rowCount: 1 }] });
      expect(info.live).toBeUndefined();
      await remote.close();
    }));

  it("keep the sequence from being deleted while one has an upload, and go with it after", () =>
    serving({}, async (served) => {
      const { act, client, flight } = served;
      await act("sequence_create", { locator: "drive", user_metadata: {} });
      const [a, b] = [await beginSession(served), await beginSession(served)];
      await createTopic(served, a, "a");
      const descriptor = await createTopic(served, b, "b");
      const { done: uploading, release } = heldUpload(flight, descriptor);
      const finalize = () => statusOf(() => act("session_finalize", { session_uuid: b.uuid }));
      await until(async () => (await finalize()).includes("still being uploaded"));
      expect(await statusOf(() => act("sequence_delete", { locator: "drive" }))).toMatch(
        /^\[failed_precondition\] .*"drive\/b" is still being uploaded/,
      );
      // Nothing of it has begun.
      await act("topic_delete", { locator: "drive/a" });
      release();
      await uploading;
      await act("sequence_delete", { locator: "drive" });
      expect(await client.listSequences()).toEqual([]);
      expect(await finalize()).toMatch(/^\[not_found\]/);
    }));
});

describe("Sessions that are left alone", () => {
  it("end as failed with what was uploaded, and others may write the sequence", () =>
    serving({ sessionTimeoutMs: 1000 }, async (served) => {
      const { act, client, server } = served;
      const { descriptor, session } = await beginTopic(act);
      await uploadTo(served, descriptor, 1n);
      await until(() => server.openSessionCount === 0);
      expect(await statusOf(() => act("session_finalize", { session_uuid: session }))).toMatch(
        /^\[not_found\]/,
      );
      expect(await client.sequenceInfo("drive")).toMatchObject({
        state: "failed",
        sessions: [{ state: "failed", reason: "no call came in 1 s" }],
        topics: [{ name: "value", rowCount: 1 }],
      });
      const next = await beginSession(served);
      await uploadTo(served, await createTopic(served, next, "more"), 2n);
      await act("session_finalize", { session_uuid: next.uuid });
      expect((await client.sequenceInfo("drive")).topics).toHaveLength(2);
    }));

  it("stay while an upload is open, however long", () =>
    serving({ sessionTimeoutMs: 1000 }, async (served) => {
      const { act, flight, server } = served;
      // Two sessions: the end of one tells that the time has passed for the other.
      const { descriptor, session } = await beginTopic(act);
      const { done: uploading, release } = heldUpload(flight, descriptor);
      for (const locator of ["x", "y"]) {
        await act("sequence_create", { locator, user_metadata: {} });
        await beginSession(served, locator);
        await until(() => server.openSessionCount === 1);
      }
      release();
      await uploading;
      await act("session_finalize", { session_uuid: session });
    }));

  it("give up sequences that were begun without one, which then take a session", () =>
    serving({ sessionTimeoutMs: 1000 }, async (served) => {
      const { act, client } = served;
      await act("sequence_create", { locator: "drive", user_metadata: { vehicle: "A" } });
      await until(async () => (await client.sequenceInfo("drive")).state === "failed");
      const session = await beginSession(served);
      await uploadTo(served, await createTopic(served, session, "a"), 1n);
      await act("session_finalize", { session_uuid: session.uuid });
      expect(await client.sequenceInfo("drive")).toMatchObject({
        metadata: { vehicle: "A" },
        topics: [{ name: "a" }],
      });
    }));

  it("end once, whole or not at all, where calls come at that moment", () =>
    serving({ sessionTimeoutMs: 40 }, async ({ act, client, flight }) => {
      for (let i = 0; i < 60; i++) {
        const name = `s${i}`;
        const wait = () => new Promise((resolve) => setTimeout(resolve, 32 + i % 12));
        const statuses: string[] = [];
        const attempt = async (call: () => Promise<unknown>) => statuses.push(await statusOf(call));
        let begun: Awaited<ReturnType<typeof beginTopic>> | undefined;
        await attempt(async () => begun = await beginTopic(act, name));
        if (begun) {
          const { descriptor, session } = begun;
          await wait();
          await attempt(() => put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([1n], [1])])));
          if (statuses[1] === "ok") await wait();
          await attempt(() => actOn(flight, "session_finalize", { session_uuid: session }));
        }
        for (const status of statuses) expect(status).toMatch(/^(ok$|\[not_found\]|\[failed_precondition\])/);
        await until(async () => (await client.sequenceInfo(name)).state !== "recording");
        const { sessions, topics } = await client.sequenceInfo(name);
        expect(sessions.at(-1)!.state).toBe(statuses[2] === "ok" ? "finalized" : "failed");
        expect(topics.map(({ rowCount }) => rowCount)).toEqual(statuses[1] === "ok" ? [1] : []);
      }
    }));
});
