/**
 * A web server for the tests of the viewer: the built page, recordings, and pages of others, with ranges and a log of what
 * was asked for.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  json: "application/json",
  wasm: "application/wasm",
};
/** What the page wants to be allowed, and the same without WebAssembly. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "img-src 'self' data: blob:; worker-src 'self' blob:";
const STRICT = POLICY.replace(" 'wasm-unsafe-eval'", "");

/** A server that runs. */
export interface Site {
  /** Its URL, with a slash at the end. */
  readonly url: string;
  /** What was asked for: path and range. */
  readonly asked: { path: string; range: string }[];
  stop(): Promise<void>;
}

/**
 * Serves folders by the first part of the path. Below `strict/` is all of it again, under a policy that forbids WebAssembly.
 * Pages in `others` are HTML, by their names, without any policy.
 */
export function serve(
  folders: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>> = {},
): Site {
  const asked: { path: string; range: string }[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
    const range = request.headers.get("range") ?? "";
    asked.push({ path, range });
    if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405 });
    if (Object.hasOwn(others, path)) {
      return new Response(others[path], { headers: { "Content-Type": TYPES.html } });
    }
    return answer(path, range, folders);
  });
  return { url: `http://127.0.0.1:${server.addr.port}/`, asked, stop: () => server.shutdown() };
}

function answer(given: string, range: string, folders: Readonly<Record<string, string>>): Response {
  const isStrict = given.startsWith("strict/");
  const [first, ...rest] = (isStrict ? given.slice("strict/".length) : given).split("/");
  const inner = rest.join("/");
  const name = inner === "" || inner.endsWith("/") ? `${inner}index.html` : inner;
  const path = `${folders[first]}/${name}`;
  const size = sizeOf(path);
  if (size === undefined) return new Response("no such file", { status: 404 });
  const headers = new Headers({
    ETag: `"${name.length}-${size}"`,
    "Accept-Ranges": "bytes",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag",
    "Content-Type": TYPES[name.split(".").at(-1)!] ?? "application/octet-stream",
    "Content-Security-Policy": isStrict ? STRICT : POLICY,
  });
  const [, start, end] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (start === undefined) return new Response(bytesOf(path, 0, size), { headers });
  const from = start === "" ? Math.max(0, size - Number(end)) : Number(start);
  const to = start === "" || end === "" ? size : Math.min(size, Number(end) + 1);
  headers.set(
    "Content-Range",
    from < to ? `bytes ${from}-${to - 1}/${size}` : `bytes */${size}`,
  );
  if (from >= to) return new Response(null, { status: 416, headers });
  return new Response(bytesOf(path, from, to), { status: 206, headers });
}

/** The size of a file; undefined where there is none. */
function sizeOf(path: string): number | undefined {
  try {
    const file = openSync(path, "r");
    const stats = fstatSync(file);
    closeSync(file);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}

/** A range alone: files are large, and ranges many. */
function bytesOf(path: string, from: number, to: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(to - from);
  const file = openSync(path, "r");
  let at = 0;
  while (at < bytes.length) {
    const count = readSync(file, bytes, at, bytes.length - at, from + at);
    if (count === 0) break;
    at += count;
  }
  closeSync(file);
  return bytes.subarray(0, at);
}
