/**
 * What is done with connections outside of calls: by timers and events, where nobody catches what is thrown and one client
 * would end the process.
 *
 * @module
 */
import type { ServerHttp2Session } from "node:http2";
import process from "node:process";
import { CONNECTION_WINDOW_BYTES } from "../protocol.ts";

/** How long what is to be sent may lie, see {@linkcode keepSending}. */
const SENDING_MS = 20;

/** Widens a new connection, and ends it once its client is gone without a word, or takes nothing more from it. */
export function watchConnection(session: ServerHttp2Session, idleTimeoutMs: number): void {
  attempt(session, () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
  endWhenGone(session, idleTimeoutMs);
  if ("bun" in process.versions) keepSending(session);
}

/** Ends a connection with all its calls. */
export function destroyConnection(session: ServerHttp2Session): void {
  try {
    session.destroy();
  } catch {
    // it has ended
  }
}

/** Does something with a connection that may have ended, which it may tell by throwing. */
function attempt(session: ServerHttp2Session, action: () => void): void {
  if (session.destroyed) return;
  try {
    action();
  } catch {
    destroyConnection(session);
  }
}

function endWhenGone(session: ServerHttp2Session, timeoutMs: number): void {
  let isAnswered = true;
  repeat(session, timeoutMs, () => {
    if (!isAnswered) return destroyConnection(session);
    isAnswered = false;
    session.ping((error) => isAnswered = !error);
  });
}

/**
 * Bun leaves what several streams have to send lying once their client was slow, until something else is sent on their
 * connection, so a ping is.
 */
function keepSending(session: ServerHttp2Session): void {
  let streams = 0;
  let isAnswered = true;
  session.on("stream", (stream) => {
    streams++;
    stream.once("close", () => streams--);
  });
  repeat(session, SENDING_MS, () => {
    if (streams === 0 || !isAnswered) return;
    isAnswered = false;
    session.ping(() => isAnswered = true);
  });
}

/** Until the connection has closed, which is some time after it was destroyed. */
function repeat(session: ServerHttp2Session, ms: number, action: () => void): void {
  const timer = setInterval(() => attempt(session, action), ms);
  session.once("close", () => clearInterval(timer));
}
