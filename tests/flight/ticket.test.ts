import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeTicket, encodeTicket } from "../../src/flight/ticket.ts";
import { MAX_NS, MIN_NS } from "../../src/types.ts";
import { errorOf } from "./support.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

describe("encodeTicket", () => {
  it("lays tickets out as the daemon does", () => {
    const locator = "drive_01/sensors/imu";
    expect(btoa(String.fromCharCode(...encodeTicket({ locator })))).toBe("FGRyaXZlXzAxL3NlbnNvcnMvaW11AAA=");
    expect(hex(encodeTicket({ locator, startNs: 1050n, endNs: 1100n }))).toMatch(/01fb340801fb9808$/);
  });
});

describe("decodeTicket", () => {
  it("gives back what was encoded, for all of int64", () => {
    const time = fc.option(
      fc.oneof(fc.bigInt(MIN_NS, MAX_NS), fc.constantFrom(MIN_NS, MAX_NS, 0n, -1n, 125n, 126n)),
      {
        nil: undefined,
      },
    );
    fc.assert(fc.property(fc.string({ maxLength: 300 }), time, time, (locator, startNs, endNs) => {
      fc.pre(locator.isWellFormed?.() ?? true);
      const ticket = {
        locator,
        ...(startNs !== undefined && { startNs }),
        ...(endNs !== undefined && { endNs }),
      };
      expect(decodeTicket(encodeTicket(ticket))).toEqual(ticket);
    }));
  });
  it("refuses all other bytes, and never fails otherwise", async () => {
    const whole = encodeTicket({ locator: "a/b", startNs: -5n, endNs: 2n ** 40n });
    for (let length = 0; length < whole.length; length++) {
      const error = await errorOf(() => decodeTicket(whole.subarray(0, length)));
      expect(error.code).toBe("INVALID_ARGUMENT");
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decodeTicket(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      }
    }));
  });
});
