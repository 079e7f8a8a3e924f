import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, defineOntology, float64, type Ontology } from "../../mod.ts";
import { servedDirectory } from "../../src/cli/view/directory_files.ts";
import { Guard } from "../../src/cli/view/guard.ts";
import { ViewServer } from "../../src/cli/view/server.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";

export const Value: Ontology<{ value: number }> = defineOntology("Value", { value: float64() });

/** What the page is in the tests. */
export const PAGE: Readonly<Record<string, string>> = {
  "index.html": "<!doctype html><title>page</title>",
  "assets/main.js": "export {};",
};

/** A server on a store, and a client on the same directory. */
export interface Viewed {
  server: ViewServer;
  guard: Guard;
  client: Client;
  /** The store's directory. */
  root: string;
  /** Beside it, with files that are nobody's business. */
  outside: string;
  port: number;
  /** What the server said went wrong. */
  errors: unknown[];
  /** Asks as a page that has the cookie does. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** Records topic "a" of sequence `name` with so many rows. */
export async function record(client: Client, name: string, rows = 100): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topic = await sequence.topicCreate("part/a", { ontology: Value });
    for (let i = 0; i < rows; i++) await topic.push({ timestampNs: BigInt(i), data: { value: Math.sin(i) } });
  });
}

/** Runs `body` with a server on a directory with sequence "drive". */
export async function withView(
  body: (viewed: Viewed) => Promise<void>,
  { host = "127.0.0.1", token }: { host?: string; token?: string } = {},
): Promise<void> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "smalti-view-")));
  const [root, outside, page] = ["store", "outside", "page"].map((name) => join(directory, name));
  await mkdir(join(page, "assets"), { recursive: true });
  await mkdir(outside);
  for (const [path, text] of Object.entries(PAGE)) await writeFile(join(page, path), text);
  await writeFile(join(outside, "secret.arrow"), "secret");
  const store = new DirectoryStore(root);
  const [served, client] = [await connect(store), await connect(root)];
  const errors: unknown[] = [];
  try {
    await record(client, "drive");
    const guard = new Guard(host, token);
    const server = await ViewServer.start({
      host,
      port: 0,
      guard,
      page,
      served: servedDirectory(store, served),
      onError: (reason) => errors.push(reason),
    });
    try {
      const port = Number(new URL(server.url).port);
      const headers = { Cookie: `smalti-view-${port}=${guard.token}` };
      const ask = (path: string, init: RequestInit = {}) =>
        fetch(server.url + path.slice(1), { ...init, headers: { ...headers, ...init.headers } });
      await body({ server, guard, client, root, outside, port, errors, ask });
    } finally {
      await server.close();
    }
  } finally {
    await Promise.all([client.close(), served.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}

/** An answer as it came over the socket. */
export interface RawAnswer {
  status: number;
  head: string;
  body: string;
}

/** Sends a request as it is written: `fetch` would make paths and names plain. The first line is whole, headers follow. */
export function askRaw(port: number, lines: readonly string[], body = ""): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = "";
    const request = `${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;
    const socket = openSocket(port, "127.0.0.1", () => socket.write(request));
    socket.setEncoding("latin1");
    socket.on("data", (part) => text += part);
    socket.on("error", () => {}); // what came until then tells
    socket.on("close", () => {
      const end = text.indexOf("\r\n\r\n");
      const head = end < 0 ? text : text.slice(0, end);
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: text.slice(end + 4) });
    });
  });
}
