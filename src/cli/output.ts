/**
 * Text -> stdout and stderr.
 *
 * @module
 */
import process from "node:process";
import { SmaltiError } from "../error.ts";
import { TextChunks } from "../export/text_chunks.ts";

/** The reader of stdout has gone. */
export class ClosedPipe extends Error {}

// Failures reach those who write through the callback; without a listener the stream would throw them too.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

/**
 * Results on stdout, in large chunks. One call at a time: the next begins when the last has resolved. Rejects with
 * {@linkcode ClosedPipe}, or IO or NO_SPACE.
 */
export class Output {
  readonly #chunks = new TextChunks(writeOut);

  /** Adds text. Returns a promise only where enough has come together: await it, so that a slow reader slows us down. */
  write(text: string): Promise<void> | undefined {
    return this.#chunks.write(text);
  }

  /** Resolves when all text is with the system. */
  flush(): Promise<void> {
    return this.#chunks.flush();
  }

  /** For bytes instead, while no text waits. */
  toWritableStream(): WritableStream<Uint8Array> {
    return new WritableStream({ write: writeOut });
  }
}

async function writeOut(bytes: Uint8Array): Promise<void> {
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
