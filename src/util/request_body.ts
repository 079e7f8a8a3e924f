import { builtin } from "./builtin.ts";

/**
 * What `fetch` is to be given to send bytes, which are not changed before it has ended. Node's (undici) copies bytes three
 * times before they are sent, a stream's not at all. That must tell its length, or it would be sent in chunks, which object
 * stores refuse; and it cannot be sent again to where an answer redirects.
 */
export function requestBody(bytes: Uint8Array<ArrayBuffer>, headers: Headers): RequestInit {
  const { versions } = builtin<{ versions?: { undici?: string } }>("node:process");
  if (bytes.length < LEAST_BYTES || versions?.undici === undefined) return { body: bytes };
  headers.set("Content-Length", String(bytes.length));
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return { body, duplex: "half", redirect: "error", window: null } as RequestInit;
}

/** Below this copies cost less than a stream. */
const LEAST_BYTES = 256 * 1024;
