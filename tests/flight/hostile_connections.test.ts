import { createServer as createHttp, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { Temperature } from "../../mod.ts";
import { watchConnection } from "../../src/flight/server/connections.ts";
import type { CallRecord } from "../../src/flight/server/mod.ts";
import { encodeTicket } from "../../src/flight/ticket.ts";
import { until } from "../support/cli_process.ts";
import { RawConnection } from "./raw_http2.ts";
import { serving } from "./support.ts";

describe("Readers", () => {
  it("that take nothing are ended in time, those that take a little now and then are not", () => {
    const records: CallRecord[] = [];
    return serving(
      { readTimeoutMs: 400, onCall: (record) => records.push(record) },
      async ({ server, client }) => {
        await client.sequenceCreate("long", {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Temperature });
          const rows = 400_000;
          await topic.pushColumns({
            timestampNs: BigInt64Array.from({ length: rows }, (_, i) => BigInt(i)),
            value: Float64Array.from({ length: rows }, () => Math.random()),
          });
        });
        const ticket = encodeTicket({ locator: "long/t" });
        const request = Uint8Array.of(0, 0, 0, 0, ticket.length + 2, 0x0a, ticket.length, ...ticket);
        const idle = await RawConnection.open(server.port);
        const slow = await RawConnection.open(server.port);
        const [stuck, going] = [idle, slow].map((connection) => {
          const stream = connection.beginCall("DoGet");
          connection.send(stream, request, true);
          return stream;
        });
        const giving = setInterval(() => slow.widen(going, 256 * 1024), 40);
        // 64 KiB have come, as HTTP/2 begins with; the rest waits.
        await until(() => idle.resets.has(stuck));
        expect(idle.resets.get(stuck)).toBe(8);
        expect(slow.resets.has(going)).toBe(false);
        await until(() => slow.ended.has(going));
        clearInterval(giving);
        expect(slow.resets.get(going) ?? 0).toBe(0);
        await until(() => records.length === 2);
        expect(records.map(({ status }) => status).sort()).toEqual(["canceled", "ok"]);
        idle.close();
        slow.close();
      },
    );
  });
});

describe("A connection", () => {
  it("that has ended already is left alone by what watches it", async () => {
    const http = createHttp();
    const thrown: unknown[] = [];
    const seen = new Promise<void>((resolve) => {
      http.on("session", (session: ServerHttp2Session) => {
        watchConnection(session, 1);
        // Timers go on until the connection has closed, which is later.
        session.removeAllListeners("close");
        session.destroy();
        try {
          watchConnection(session, 1);
        } catch (reason) {
          thrown.push(reason);
        }
        setTimeout(resolve, 50);
      });
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const raw = await RawConnection.open((http.address() as AddressInfo).port);
    await seen;
    expect(thrown).toEqual([]);
    raw.close();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  });

  it("with a request that makes no sense does not end the process", () =>
    serving({}, async ({ server, act }) => {
      const path = "/arrow.flight.protocol.FlightService/DoAction";
      const sane = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost" };
      const { ":authority": _, ...nameless } = sane;
      const requests: Record<string, string>[] = [
        nameless,
        { ...nameless, host: "a b" },
        { ...sane, ":authority": "a b" },
        { ...sane, ":authority": "[::" },
        { ...sane, ":authority": "x:99999999" },
        { ...sane, ":path": "*" },
        { ...sane, ":path": "//" },
        { ...sane, ":method": "GET" },
        { ...sane, ":method": "CONNECT" },
        { ...sane, "grpc-encoding": "x".repeat(10_000) },
        { ...sane, "content-type": "application/grpc", "grpc-timeout": "never" },
      ];
      for (const request of requests) {
        const raw = await RawConnection.open(server.port);
        const stream = raw.begin(request);
        raw.send(stream, Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff));
        await new Promise((resolve) => setTimeout(resolve, 20));
        await act("info");
        raw.close();
      }
    }));

  it("may have some calls open at a time, and no more, whatever they are", () =>
    serving({}, async ({ server, act }) => {
      for (const path of ["DoAction", "NoSuchMethod"]) {
        const raw = await RawConnection.open(server.port);
        for (let i = 0; i < 3000 && !raw.isClosed; i++) {
          raw.beginCall(path);
          if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        }
        await act("info");
        // Refused one by one, or the connection for all.
        await until(() => raw.isClosed || raw.resets.size >= 3000 - 1024);
        expect(raw.settings.get(3)).toBe(1024);
        raw.close();
      }
      await until(() => server.connectionCount === 1);
    }));
});
