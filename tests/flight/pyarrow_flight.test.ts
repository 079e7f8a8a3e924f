import { describe, expect, it } from "vitest";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { serving } from "./support.ts";

describe.skipIf(!hasSdk)(`pyarrow's Flight client${needsSdk}`, () => {
  it("writes and reads by the protocol alone, in batches of 8192 rows at most and none without", () =>
    serving({}, async ({ client, server }) => {
      const interval = { start_ns: 0, end_ns: 49_999 };
      expect(await runPython("by_hand.py", "lifecycle", `${server.port}`)).toEqual({
        open: [false],
        locked: [[true, ["plain/empty", "plain/long", "plain/short"]]],
        metadata: ["plain", { n: 3 }],
        topics: [["plain/empty", true, 0, null, null], ["plain/long", true, 50_002, interval, null]],
        ends: [`${-(2n ** 63n)}`, "5", `${2n ** 63n - 1n}`],
        empty: 0,
        sizes: [true, true],
        sorted: true,
        values: true,
        window: [[7, 7, 7, 8], { interval: { start_ns: 7, end_ns: 8 }, row_count: 4 }],
        schema: [true, true, true],
        notes: [["plain/long", "error", "ü"]],
        purged: [],
        listed: ["plain"],
        deleted: [],
      });
      expect(await client.listSequences()).toEqual([]);
    }));

  it("raises for each mistake what the protocol has for it, and a session that was cut off can be ended", () => {
    const [bad, missing] = ["ArrowInvalid", "ArrowKeyError"];
    return serving({ maxMessageBytes: 65_536 }, async ({ client, server }) => {
      expect(await runPython("by_hand.py", "refusals", `${server.port}`)).toEqual({
        "unknown sequence": missing,
        "unknown topic": missing,
        "unknown session": missing,
        "duplicate sequence": "ArrowException",
        "empty session": bad,
        "second session": "ok",
        "topic of a session that is open": bad,
        "unknown action": bad,
        "body that is no JSON": bad,
        "body without a member": bad,
        "bad name": bad,
        "path": bad,
        "window that is turned": bad,
        "bad ticket": bad,
        "upload by a path": bad,
        "upload with an empty command": bad,
        "upload with a wrong uuid": bad,
        "upload of a finalized topic": missing,
        "upload without times": bad,
        "second upload": bad,
        "message beyond the limit": bad,
        "session cut off": bad,
        "exchange": "ArrowNotImplementedError",
        "actions": "ArrowNotImplementedError",
        "session_delete": "ok",
        "sequence after it": "ok",
      });
      expect(await client.listSequences()).toEqual(["taken"]);
    });
  });
});
