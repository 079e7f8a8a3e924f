/**
 * Text -> stdout and stderr.
 *
 * @module
 */
import process from "node:process";
import { SmaltiError } from "../error.ts";

/** Characters that are written at once: a call per line costs more than making the line. */
const CHUNK_CHARACTERS = 64 * 1024;

/** The reader of stdout has gone. */
export class ClosedPipe extends Error {}

// Failures reach those who write through the callback; without a listener the stream would throw them too.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

/** Results on stdout, in large chunks. */
export class Output {
  #text = "";

  /**
   * Adds text. Returns a promise only where enough has come together to be written; await it, so that a slow reader slows
   * the writer down. It rejects with {@linkcode ClosedPipe}, or IO or NO_SPACE.
   */
  write(text: string): Promise<void> | undefined {
    this.#text += text;
    return this.#text.length < CHUNK_CHARACTERS ? undefined : this.flush();
  }

  /** Resolves when all text is with the system. Errors as {@linkcode write}. */
  async flush(): Promise<void> {
    const text = this.#text;
    if (text === "") return;
    this.#text = "";
    try {
      await writeTo(process.stdout, text);
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

function writeTo(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The callback comes when the system has the text, which is back-pressure and report of failure in one.
    stream.write(text, (error) => error ? reject(error) : resolve());
  });
}
