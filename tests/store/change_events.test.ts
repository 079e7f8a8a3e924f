/**
 * Watching a web server that tells of changes, and one that does not.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { HttpStore } from "../../src/store/http/http_store.ts";
import { isSettled, until } from "../support/waiting.ts";

const never = new AbortController().signal;

/** A server of one file "drive/f", with streams of events at `/events`. */
class EventServer {
  link: string | undefined = '</events>; rel="monitor-group"';
  /** How it answers a request for events. */
  status = 200;
  readonly asked: string[] = [];
  readonly streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    const url = request.url!;
    this.asked.push(url);
    if (url.startsWith("/events")) {
      response.writeHead(this.status, { "Content-Type": "text/event-stream" });
      if (this.status !== 200) return void response.end();
      response.write(": hello\n\n");
      this.streams.add(response);
      response.on("close", () => this.streams.delete(response));
      return;
    }
    const headers: Record<string, string> = { "Content-Length": "4", "Content-Range": "bytes 0-3/4" };
    if (this.link !== undefined) headers.Link = this.link;
    response.writeHead(206, headers);
    response.end("text");
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  send(text: string): void {
    for (const stream of this.streams) stream.write(text);
  }

  async stop(): Promise<void> {
    for (const stream of this.streams) stream.end();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function withServer(body: (server: EventServer, store: HttpStore, url: string) => Promise<void>) {
  const server = new EventServer();
  const url = await server.start();
  const store = new HttpStore(`${url}?token=1`);
  try {
    await body(server, store, url);
  } finally {
    await store.close();
    await server.stop();
  }
}

/** Waits for a stream that is open, and what it is told by that. */
async function openWatch(server: EventServer, store: HttpStore) {
  await store.readNow("drive/f");
  const watch = store.watch("drive");
  await watch.next(never);
  await until(() => server.streams.size === 1);
  return watch;
}

describe("A watch", () => {
  it("is told of its directory by one stream for all, and of others nothing", async () => {
    await withServer(async (server, store) => {
      const watch = await openWatch(server, store);
      const other = store.watch("other/below");
      const [mine, others] = [watch.next(never), other.next(never)];
      server.send('data: {"directory":"third"}\n\n');
      server.send('data: {"directory":"other","state":"rec');
      server.send('ording"}\r\n\r\n');
      await others;
      expect(await isSettled(mine)).toBe(false);
      server.send('data: {"directory":"drive"}\n\n');
      await mine;
      // What does not say of what it is may be of anything.
      const all = [watch.next(never), other.next(never)];
      server.send("event: ready\ndata: {}\n\n");
      await Promise.all(all);
      expect(server.asked.filter((url) => url.startsWith("/events"))).toEqual(["/events?token=1"]);
      watch.close();
      other.close();
      // Nobody is left who listens.
      await until(() => server.streams.size === 0);
    });
  });

  it("remembers what was told while nobody waited", async () => {
    await withServer(async (server, store) => {
      const watch = await openWatch(server, store);
      const other = store.watch("other");
      const others = other.next(never);
      server.send('data: {"directory":"drive"}\n\ndata: {"directory":"other"}\n\n');
      await others; // it came
      expect(await isSettled(watch.next(never))).toBe(true);
    });
  });

  it("looks again when the stream ends, and opens another", async () => {
    await withServer(async (server, store) => {
      const watch = await openWatch(server, store);
      const next = watch.next(never);
      for (const stream of server.streams) stream.end();
      await next;
      await watch.next(never);
      await until(() => server.streams.size === 1);
    });
  });

  it.each<[string, (server: EventServer) => void]>([
    ["tells of no stream", (server) => server.link = undefined],
    ["tells of one elsewhere", (server) => server.link = '<http://localhost:1/events>; rel="monitor-group"'],
    ["refuses the stream", (server) => server.status = 401],
    ["tells of something else", (server) => server.link = '</events>; rel="next"'],
  ])("looks by time where the server %s", async (_, change) => {
    await withServer(async (server, store) => {
      change(server);
      await store.readNow("drive/f");
      const watch = store.watch("drive");
      await watch.next(never);
      await watch.next(never);
      expect(server.streams.size).toBe(0);
      expect(server.asked.some((url) => url.startsWith("/events"))).toBe(server.status === 401);
    });
  });

  it("stops with its signal, and with the store", async () => {
    await withServer(async (server, store) => {
      const watch = await openWatch(server, store);
      const stop = new AbortController();
      const next = watch.next(stop.signal).catch((reason) => reason);
      stop.abort("enough");
      expect(await next).toBe("enough");
      await store.close();
      await until(() => server.streams.size === 0);
      expect(() => store.watch("drive")).toThrow("CLOSED");
    });
  });
});
