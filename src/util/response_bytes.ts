/** Bytes that are taken at a time where a place for them is given. */
const CHUNK_BYTES = 64 * 1024;

/**
 * All bytes of a response, in `into` where they are just as many: then memory for them is taken once. Deno gives back what it
 * had for a response as garbage alone, which so much native memory does not bring nearer.
 */
export async function responseBytes(
  response: Response,
  into?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const isFor = into !== undefined && Number(response.headers.get("Content-Length")) === into.length;
  const reader = isFor ? bytesReader(response) : undefined;
  if (!reader) return new Uint8Array(await response.arrayBuffer());
  let [at, chunk] = [0, new ArrayBuffer(CHUNK_BYTES)];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(chunk));
    if (done) return into!.subarray(0, at);
    into!.set(value, at);
    at += value.length;
    chunk = value.buffer;
  }
}

/** Undefined where the runtime reads no body into a buffer that is given, as Bun. */
function bytesReader({ body }: Response): ReadableStreamBYOBReader | undefined {
  try {
    return body?.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}
