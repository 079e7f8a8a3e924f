/**
 * A web server for the tests of the viewer: the built page, recordings, and pages of others, with ranges and a log of what
 * was asked for.
 *
 * @module
 */
import { readFileSync } from "node:fs";

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
  let file: Uint8Array<ArrayBuffer>;
  try {
    file = Uint8Array.from(readFileSync(`${folders[first]}/${name}`));
  } catch {
    return new Response("no such file", { status: 404 });
  }
  const headers = new Headers({
    ETag: `"${name.length}-${file.length}"`,
    "Accept-Ranges": "bytes",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag",
    "Content-Type": TYPES[name.split(".").at(-1)!] ?? "application/octet-stream",
    "Content-Security-Policy": isStrict ? STRICT : POLICY,
  });
  const [, start, end] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (start === undefined) return new Response(file, { headers });
  const from = start === "" ? Math.max(0, file.length - Number(end)) : Number(start);
  const to = start === "" || end === "" ? file.length : Math.min(file.length, Number(end) + 1);
  headers.set(
    "Content-Range",
    from < to ? `bytes ${from}-${to - 1}/${file.length}` : `bytes */${file.length}`,
  );
  if (from >= to) return new Response(null, { status: 416, headers });
  return new Response(file.subarray(from, to), { status: 206, headers });
}
