import { readFile } from "node:fs/promises";
import { connect as connectHttp } from "node:http2";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { openTransport } from "../../src/flight/transport.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { cliCommand, makeTemporary, needsBuild, start, until } from "../support/cli_process.ts";
import { onLinux } from "../support/open_files.ts";
import { lz4Bomb } from "./bombs.ts";
import { RawConnection } from "./raw_http2.ts";
import { act, beginTopic, put, statusOf, upload } from "./support.ts";

const MIB = 2 ** 20;
/** What the server's process may take, in all. */
const MAX_BYTES = 300e6;

/** What an attack is given. */
interface Attacked {
  port: number;
  /** Of the other client: resolves with how the server does, while the attack goes on. */
  check: () => Promise<void>;
  url: string;
}

/** Runs an attack on a server of its own, which has to stay small and answer others meanwhile. */
async function attack(body: (attacked: Attacked) => Promise<void>): Promise<void> {
  const { directory, remove } = await makeTemporary();
  const { child, stdout, ended } = start([...cliCommand, "serve", join(directory, "store"), "--port", "0"]);
  try {
    await until(() => stdout().endsWith("\n"));
    const port = Number(/:(\d+)\n$/.exec(stdout())![1]);
    const url = `grpc://127.0.0.1:${port}`;
    const other = openTransport(url);
    let most = 0;
    const check = async () => {
      await act(other, "info");
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      most = Math.max(most, 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)![1]));
    };
    await check();
    await body({ port, url, check });
    await check();
    other.close();
    expect(most).toBeLessThan(MAX_BYTES);
  } finally {
    process.kill(child.pid!, "SIGINT");
    await ended;
    await remove();
  }
}

/** Bytes of a gRPC message of JSON, as the body of an action. */
function actionOf(name: string, json: string): Uint8Array {
  const field = (number: number, bytes: Uint8Array) => [number << 3 | 2, ...varint(bytes.length)];
  const [type, body] = [name, json].map((text) => new TextEncoder().encode(text));
  const parts = [Uint8Array.from(field(1, type)), type, Uint8Array.from(field(2, body)), body];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const message = new Uint8Array(5 + length);
  new DataView(message.buffer).setUint32(1, length);
  let at = 5;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

describe.skipIf(needsBuild || !onLinux)(`smalti serve under attack${needsBuild}`, () => {
  it("by streams that are begun and left, to what is there and what is not", () =>
    attack(async ({ port, check }) => {
      const connections: RawConnection[] = [];
      for (const path of ["DoAction", "DoPut", "NoSuchMethod"]) {
        const connection = await RawConnection.open(port);
        connections.push(connection);
        for (let i = 0; i < 20_000 && !connection.isClosed; i++) {
          connection.beginCall(path);
          if (i % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        }
        // While they are open, as far as the server has them.
        await check();
      }
      for (const connection of connections) connection.close();
    }));

  it("by messages that are not sent to their end", () =>
    attack(async ({ url, check }) => {
      const connection = connectHttp(url.replace("grpc", "http"), { maxSessionMemory: 1024 });
      connection.on("error", () => {});
      // Too large for an action, and one byte short of what is not.
      for (const bytes of [49 * MIB, 4 * MIB]) {
        const body = new Uint8Array(5 + bytes - 1);
        new DataView(body.buffer).setUint32(1, bytes);
        const calls = Array.from({ length: 12 }, () => {
          const call = connection.request({
            ":method": "POST",
            ":path": "/arrow.flight.protocol.FlightService/DoAction",
            "content-type": "application/grpc",
            te: "trailers",
          });
          call.on("error", () => {});
          call.resume();
          call.write(body);
          return call;
        });
        await new Promise((resolve) => setTimeout(resolve, 500));
        await check();
        for (const call of calls) call.close(8);
      }
      connection.destroy();
    }));

  it("by JSON that takes long to read", () =>
    attack(async ({ url, check }) => {
      const fill = (part: (i: number) => string, bytes: number) => {
        const parts: string[] = [];
        for (let length = 0; length < bytes; length += parts.at(-1)!.length + 1) {
          parts.push(part(parts.length));
        }
        return parts.join(",");
      };
      const room = 4 * MIB - 1000;
      const bodies = [
        `{${fill((i) => `"${i.toString(36)}":0`, room)}}`,
        `{"a":[${fill(() => "[]", room)}]}`,
        `{"a":[${fill(() => '{"":{}}', room)}]}`,
        `{"a":"${'\\"'.repeat(room / 2)}"}`,
        `{"a":${"[".repeat(room)}`,
        `{"a":${"1".repeat(room)}}`,
        `{"a":[${fill(() => "9".repeat(399), room)}]}`,
        `{"ontology":{"T.a":{"$in":[${fill((i) => `${i}`, room)}]}}}`,
        `{"ontology":{${fill((i) => `"T.a${i}":{"$eq":1}`, room)}}}`,
        `{"sequence":{"name":{"$match":"${"*a".repeat(room / 2)}"}}}`,
      ];
      for (const path of ["query", "sequence_create"]) {
        const connection = connectHttp(url.replace("grpc", "http"), { maxSessionMemory: 1024 });
        connection.on("error", () => {});
        const ended = bodies.map((body) => {
          const call = connection.request({
            ":method": "POST",
            ":path": "/arrow.flight.protocol.FlightService/DoAction",
            "content-type": "application/grpc",
            te: "trailers",
          });
          call.on("error", () => {});
          call.resume();
          call.end(actionOf(path, body));
          return new Promise<string>((resolve) => {
            for (const event of ["response", "trailers"]) {
              call.on(event, (headers) => {
                if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
              });
            }
            call.on("close", () => resolve("closed"));
          });
        });
        await check();
        expect(await Promise.all(ended)).toEqual(bodies.map(() => "3"));
        connection.destroy();
      }
    }));

  it("by an upload of 2 GiB in 8 MiB, and many of them at once", () =>
    attack(async ({ url, check }) => {
      const flight = openTransport(url);
      const bomb = lz4Bomb(2048 * MIB);
      expect(bomb.dataBody.length).toBeLessThan(9 * MIB);
      const uploads = ["a", "b", "c", "d"].map(async (name) => {
        const { descriptor } = await beginTopic((action, body) => act(flight, action, body), name);
        return await statusOf(() => put(flight, upload(descriptor, [TIMESTAMP_FIELD], [bomb])));
      });
      await check();
      for (const status of await Promise.all(uploads)) {
        expect(status).toMatch(/^\[resource_exhausted\] .*decompressed/);
      }
      flight.close();
    }));
});
