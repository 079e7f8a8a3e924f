import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { serving } from "./support.ts";

/** Runs a part of sdk_access.py against a server; what it prints as JSON. */
function sdk(part: string, port: number, ...args: string[]): Promise<unknown> {
  return runPython("sdk_access.py", part, `${port}`, ...args);
}

const pem = (name: string) => new URL(`localhost.${name}.pem`, import.meta.url);

describe.skipIf(!hasSdk)(`Mosaico's Python SDK${needsSdk}`, () => {
  it("may do what the permission of its key allows, and nothing more", () => {
    const permissions = ["read", "write", "delete", "manage"] as const;
    const apiKeys = permissions.map((permission) => {
      return { key: `msco_${permission.padEnd(32, "0")}_00000000`, permission };
    });
    return serving({ apiKeys }, async ({ client, server }) => {
      for (const name of ["ours", "for_0", "for_1", "for_2", "for_3"]) {
        await client.sequenceCreate(name, {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Temperature });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
        });
      }
      const reads = { list: "ok", open: "ok", schema: "ok", query: "ok", notes: "ok" };
      const no = "FlightUnauthorizedError";
      expect(await sdk("permissions", server.port, ...apiKeys.map(({ key }) => key))).toEqual({
        read00: { ...reads, write: no, clear: no, remove: no },
        write0: { ...reads, write: "ok", clear: no, remove: no },
        delete: { ...reads, write: "ok", clear: "ok", remove: "ok" },
        manage: { ...reads, write: "ok", clear: "ok", remove: "ok" },
      });
      expect(await client.listSequences()).toEqual(["by_1", "by_2", "by_3", "for_0", "for_1", "ours"]);
    });
  });

  it("comes in by TLS with our certificate, and not without", async () => {
    const tls = { cert: await readFile(pem("cert"), "utf8"), key: await readFile(pem("key"), "utf8") };
    await serving({ tls }, async ({ client, server }) => {
      expect(await sdk("tls", server.port, fileURLToPath(pem("cert")))).toEqual({
        rows: [0, 1, 2],
        plain: "ConnectionError",
        "other roots": "ConnectionError",
      });
      expect((await client.sequenceHandler("sealed")).rowCount).toBe(3);
    });
  });

  it("may compress its messages once more", () =>
    serving({}, async ({ server }) => {
      const sum = 299 * 150;
      expect(await sdk("compressed", server.port)).toEqual({ Gzip: sum, StreamGzip: sum });
    }));

  it("gets windows and topics that it asks for, ties by the topics' names", () =>
    serving({}, async ({ client, server }) => {
      await client.sequenceCreate("ours", {}, async (sequence) => {
        for (const name of ["b", "a", "c"]) {
          const topic = await sequence.topicCreate(name, { ontology: Temperature });
          for (const time of name === "c" ? [1000n] : [2n, 1n, 3n]) {
            await topic.push({ timestampNs: time, data: { value: 1 } });
          }
        }
      });
      const [a1, b1, a2, b2, a3, b3, c] = [["/a", "1"], ["/b", "1"], ["/a", "2"], ["/b", "2"]]
        .concat([["/a", "3"], ["/b", "3"], ["/c", "1000"]]);
      expect(await sdk("windows", server.port, "ours")).toEqual({
        all: [a1, b1, a2, b2, a3, b3, c],
        start: [a2, b2, a3, b3, c],
        end: [a1, b1],
        both: [a1, b1, a2, b2],
        one: [b1, b2],
        two: [a1, b1, a2, b2, a3, b3],
        topic: ["2"],
        outside: "RuntimeError",
        turned: "ConnectionError",
        unknown: "ValueError",
      });
    }));

  it("leaves what its policies leave, in the store and as our client sees it over the server", () =>
    serving({}, async ({ client, server }) => {
      expect(await sdk("failures", server.port)).toEqual({
        reported: [expect.stringContaining("boom in reported")],
        kept: [],
      });
      expect(await client.listSequences()).toEqual(["kept", "noted", "reported"]);
      const sessions = async (name: string) => {
        const { sessions } = await client.sequenceInfo(name);
        return sessions.map(({ state, reason, topics }) => [state, reason, topics]);
      };
      // On an error it sends nothing more of what it holds: the topic is there without rows.
      const boom = expect.stringContaining("boom in reported");
      expect(await sessions("reported")).toEqual([["failed", boom, ["late"]]]);
      expect(await sessions("kept")).toEqual([["finalized", undefined, ["t"]]]);
      expect(await sessions("noted")).toEqual([
        ["finalized", undefined, ["t"]],
        ["failed", expect.stringContaining("boom in noted"), ["late"]],
      ]);
      const remote = await connect(server.url);
      for (const name of ["noted", "kept"]) {
        const handler = await remote.sequenceHandler(name);
        const rows: unknown[] = [];
        for await (const [topic, { timestampNs }] of handler.getDataStreamer()) {
          rows.push([topic, timestampNs]);
        }
        expect([handler.rowCount, rows]).toEqual([2, [["t", 0n], ["t", 1n]]]);
        expect(handler.topics.map((topic) => topic.name)).toEqual(name === "noted" ? ["late", "t"] : ["t"]);
      }
      await remote.close();
    }));

  it("finds what each operator of its query builder means", () =>
    serving({}, async ({ server }) => {
      const [all, rest] = ["s1 s2 s3", "s2 s3"];
      expect(await runPython("sdk_operators.py", `${server.port}`)).toEqual({
        "number eq": "s2",
        "number neq": "s1 s3",
        "number lt": "s1",
        "number leq": "s1 s2",
        "number gt": "s3",
        "number geq": rest,
        "number in": "s1 s3",
        "number between": "s1 s2",
        "number outside": "s1 s3",
        "time eq": "s2",
        "time between": rest,
        "text eq": "s2",
        "text lt": "s1",
        "text leq": "s1 s2",
        "text gt": "s3",
        "text geq": rest,
        "text in": "s1 s3",
        "text between": "s1 s2",
        "text outside": "s1",
        "text match": "s1 s2",
        "text match digit": all,
        "flag eq": "s2",
        "two on one row": "s2",
        "metadata eq": "s2",
        "metadata neq": "s1 s3",
        "metadata lt": "s1",
        "metadata leq": "s1 s2",
        "metadata gt": "s3",
        "metadata geq": rest,
        "metadata in": "s1 s3",
        "metadata between": "s1 s2",
        "metadata outside": "s1 s3",
        "metadata match": all,
        "metadata ex": "s1",
        "metadata nex": rest,
        "topic metadata eq": "s2",
        "topic metadata between": rest,
        "topic metadata ex": all,
        "sequence name": "s2",
        "sequence name match": rest,
        "sequence created since": all,
        "sequence created until": "",
        "sequence created between": all,
        "topic name": all,
        "topic name without its slash": "",
        "topic name match": rest,
        "topic created since": all,
        "topic created until": "",
        "topic tag": rest,
      });
    }));

  it("writes a message of 70 MiB where the limit is raised, and says what it left out where not", async () => {
    await serving({ maxMessageBytes: 512 * 2 ** 20 }, async ({ server }) => {
      expect(await sdk("large", server.port, "70")).toEqual({ read: [70 * 2 ** 20, 5], notes: 0 });
    });
    await serving({ maxMessageBytes: 4 * 2 ** 20 }, async ({ server }) => {
      expect(await sdk("large", server.port, "5")).toEqual({ read: [5], notes: 1 });
    });
  });
});
