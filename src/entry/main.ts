import type { Backend } from "../backend.ts";
import { type Connect, type ConnectOptions, createConnect } from "../connect.ts";
import type { Engine } from "../engine.ts";
import { bundledModule } from "./bundled.ts";
import { SCHEMES } from "../schemes.ts";

/**
 * Opens the place where recordings live. UNAVAILABLE where a server does not answer in time.
 *
 * - a path or a `file:` URL: a directory, made when the first sequence is created, and NOT_FOUND to who reads before (Deno,
 *   Bun, Node);
 * - `memory:`: the memory of this client, gone with it;
 * - a `grpc://host:6726` or `grpc+tls://` URL: a Mosaico daemon, or `smalti serve` (Deno, Bun, Node);
 * - an `http:` or `https:` URL: a directory on a static web server that serves ranges, to read only, wherever there is
 *   `fetch`. Sequences are opened by name, and listed where the directory has an `index.json`. A query goes with every request, user and
 *   password as `Authorization`. In a browser another origin has to expose `Content-Range` and `ETag`;
 * - `s3://bucket/prefix`: a bucket of an S3-compatible service, as `options.s3` says, wherever there are `fetch` and WebCrypto.
 *   Nothing is taken from the environment;
 * - a {@linkcode Store} of your own, or a {@linkcode FileReader}, to read only. It is the client's from then on: closing
 *   the client closes it.
 *
 * Nothing is read yet. UNSUPPORTED for any other URL, and for a directory where the runtime has no files.
 *
 * The engine is WASM where the runtime has it; {@linkcode Client.engine} tells which was chosen. The module is part of
 * the package, as text: it loads without files or network. A module given in `options.wasm` that is damaged or of another
 * version is INVALID_ARGUMENT, one that cannot be fetched UNAVAILABLE.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 *
 * await using client = await connect("./recordings");
 * console.log(client.engine.name, await client.listSequences());
 * ```
 */
export const connect: Connect = createConnect({
  wasm: bundledModule,
  arrow: () => import("apache-arrow"),
  schemes: { ...SCHEMES, grpc: openServer, "grpc+tls": openServer },
});

async function openServer(
  url: string,
  engine: Promise<Engine>,
  { tls, ...options }: ConnectOptions,
): Promise<Backend> {
  const { connectFlight } = await import("../flight/client/flight_backend.ts");
  return await connectFlight(url, await engine, { ...options, tlsCa: tls?.ca });
}
