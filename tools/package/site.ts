/**
 * A static web server for pages, scripts and recordings, with ranges.
 *
 * @module
 */
import { executable, mustRun, root } from "../tooling.ts";
import type { Project } from "./project.ts";

/** What every replay of the example flight must come to. */
export const flight: { messages: number; order_sha256: string } = JSON.parse(
  await Deno.readTextFile(`${root}/examples/px4-vtol-flight/flight.expected.json`),
);

/** Recordings in other formats, served as `logs/`. */
export const formats: string = `${root}/tests/fixtures/formats`;

const TYPES: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};

/** A server that runs. */
export interface Site {
  /** Its URL, with a slash at the end. */
  url: string;
  /** The directory that it serves. */
  directory: string;
  stop(): Promise<void>;
}

/**
 * Serves a new directory `site` of the project, with the flight as `recordings/flight`, imported by the package's
 * command, and recordings of other formats as `logs/`. Below `strict/` is all of it again, with a policy that forbids pages to compile WebAssembly.
 */
export async function serveSite({ path }: Project): Promise<Site> {
  const directory = `${path}/site`;
  const mcap = `${root}/examples/px4-vtol-flight/flight.mcap`;
  const command = ["import", mcap, "--name", "flight", "--store", `${directory}/recordings`];
  await Deno.mkdir(directory);
  await Deno.symlink(formats, `${directory}/logs`);
  await mustRun([await executable("node24"), "node_modules/.bin/smalti", ...command], {
    cwd: path,
    quiet: true,
  });
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, (request) => answer(request, directory));
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    directory,
    stop: () => server.shutdown(),
  };
}

async function answer(request: Request, directory: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  const strict = pathname.startsWith("/strict/");
  const path = decodeURIComponent(strict ? pathname.replace("/strict", "") : pathname);
  let file: Uint8Array<ArrayBuffer>;
  try {
    file = await Deno.readFile(`${directory}${path}`);
  } catch {
    return new Response("no such file", { status: 404 });
  }
  const headers = new Headers({ ETag: `"${path.length}-${file.length}"`, "Accept-Ranges": "bytes" });
  const type = TYPES[/\.(\w+)$/.exec(path)?.[1] ?? ""];
  if (type !== undefined) headers.set("Content-Type", type);
  if (strict) headers.set("Content-Security-Policy", "script-src 'self'");

  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ??
    /^bytes=()-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (first === undefined) return new Response(file, { headers });
  const start = first === "" ? Math.max(0, file.length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? file.length : Math.min(file.length, Number(last) + 1);
  if (start >= end) {
    headers.set("Content-Range", `bytes */${file.length}`);
    return new Response(null, { status: 416, headers });
  }
  headers.set("Content-Range", `bytes ${start}-${end - 1}/${file.length}`);
  return new Response(file.subarray(start, end), { status: 206, headers });
}
