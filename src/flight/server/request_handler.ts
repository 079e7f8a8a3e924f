import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { STREAM_WINDOW_BYTES } from "../protocol.ts";
import { goneAway } from "../status.ts";

/** What a server of `node:http2` calls for a request. */
export type RequestHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/**
 * Answers by handlers, by path. A call is ended, within twice `readTimeoutMs`, whose client takes nothing of what waits for
 * it for so long, or does not end its own side of the call after the answer.
 *
 * connect-node has the like as `connectNodeAdapter`, which writes to the console where a client goes away before its
 * answer has ended, and throws where a client sends no authority.
 */
export function requestHandler(
  handlers: ReadonlyMap<string, UniversalHandlerFn>,
  readTimeoutMs: number,
): RequestHandler {
  return (request, response) => {
    const { stream } = response;
    // What goes wrong is seen by who reads and writes; without a listener it would end the process.
    for (const emitter of [request, response]) emitter.on("error", () => {});
    answer(handlers, request, response, readTimeoutMs)
      .catch(() => endStream(stream, constants.NGHTTP2_INTERNAL_ERROR)); // the call's record tells what came of it
  };
}

async function answer(
  handlers: ReadonlyMap<string, UniversalHandlerFn>,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  readTimeoutMs: number,
): Promise<void> {
  const handler = handlers.get(request.url);
  const { stream } = response;
  if (!handler) {
    // As gRPC has it, which takes this for UNIMPLEMENTED.
    response.statusCode = 404;
    response.end();
    endWhenIdle(stream, readTimeoutMs, () => 0);
    return;
  }
  const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
  const answer = await handler({
    ...universal,
    body: wholeBody(request, universal.body as AsyncIterable<Uint8Array>),
  });
  const body = takenInTime(answer.body ?? noBody(), stream, readTimeoutMs);
  await universalResponseToNodeResponse({ ...answer, body }, response);
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

/** A body in parts, so that a slow reader is seen to take some of a large message. */
async function* takenInTime(
  body: AsyncIterable<Uint8Array>,
  stream: ServerHttp2Stream,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  let isWaiting = false;
  let turns = 0;
  const setWaiting = (is: boolean) => {
    isWaiting = is;
    turns++;
  };
  endWhenIdle(stream, timeoutMs, () => isWaiting ? turns : undefined);
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length; at += STREAM_WINDOW_BYTES) {
      setWaiting(true);
      yield bytes.subarray(at, at + STREAM_WINDOW_BYTES);
      setWaiting(false);
    }
  }
  setWaiting(true);
}

/** Ends a stream whose client has been waited for from one look to the next, by the same number; undefined is no wait. */
function endWhenIdle(
  stream: ServerHttp2Stream,
  timeoutMs: number,
  waitNumber: () => number | undefined,
): void {
  let last: number | undefined;
  const timer = setInterval(() => {
    const number = waitNumber();
    const isIdle = number !== undefined && number === last;
    last = number;
    if (!stream.destroyed && !isIdle) return;
    clearInterval(timer);
    endStream(stream, constants.NGHTTP2_CANCEL);
  }, timeoutMs);
  stream.once("close", () => clearInterval(timer));
}

/** A stream may have ended at any time; calls into it may throw then. */
function endStream(stream: ServerHttp2Stream, code: number): void {
  try {
    if (!stream.destroyed) stream.close(code);
  } catch {
    stream.destroy();
  }
}

/**
 * A request's body. Node and Bun give one that the client has cancelled as if it had ended: an upload would be taken for
 * whole.
 */
async function* wholeBody(
  request: Http2ServerRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* body;
  if (request.aborted || request.stream.rstCode !== 0) throw goneAway();
}
