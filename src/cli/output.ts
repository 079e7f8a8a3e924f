/**
 * Text -> stdout and stderr.
 *
 * @module
 */
import process from "node:process";
import { SmaltiError } from "../error.ts";

/** Bytes that are written at once: a call per line costs more than making the line. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** The reader of stdout has gone. */
export class ClosedPipe extends Error {}

// Failures reach those who write through the callback; without a listener the stream would throw them too.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

/**
 * Results on stdout, in large chunks. One call at a time: the next begins when the last has resolved. Text becomes bytes
 * at once, in memory that is used again and again: what piles up until it is collected would be most of the process.
 */
export class Output {
  #bytes = new Uint8Array(2 * CHUNK_BYTES);
  #length = 0;

  /**
   * Adds text. Returns a promise only where enough has come together to be written; await it, so that a slow reader slows
   * the writer down. It rejects with {@linkcode ClosedPipe}, or IO or NO_SPACE.
   */
  write(text: string): Promise<void> | undefined {
    // A UTF-16 unit takes 3 bytes at most.
    const most = this.#length + 3 * text.length;
    if (most > this.#bytes.length) {
      const larger = new Uint8Array(most);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
    return this.#length < CHUNK_BYTES ? undefined : this.flush();
  }

  /** Resolves when all text is with the system. Errors as {@linkcode write}. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    try {
      await writeTo(process.stdout, bytes);
    } catch (reason) {
      const { code, message } = reason as { code?: string; message: string };
      // A socket in place of a pipe says the latter where unread bytes were lost.
      if (code === "EPIPE" || code === "ECONNRESET") throw new ClosedPipe();
      throw new SmaltiError(code === "ENOSPC" ? "NO_SPACE" : "IO", `Cannot write to stdout: ${message}`, {
        cause: reason,
      });
    }
  }
}

/** Writes to stderr. Never rejects: there is no place left to say so. */
export async function writeError(text: string): Promise<void> {
  await writeTo(process.stderr, text).catch(() => {});
}

function writeTo(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // The callback comes when the system has the text, which is back-pressure and report of failure in one.
    stream.write(text, (error) => error ? reject(error) : resolve());
  });
}
