import { SmaltiError } from "../error.ts";

/** The bytes of a file, wherever they come from. */
export type ByteChunks = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** The bytes of a file and what is known of it: what `openFile` gives, or `{ chunks: response.body }`. */
export interface ByteSource {
  /** The bytes in order, in chunks of any size. Each is used before the next is asked for. */
  readonly chunks: ByteChunks;
  /** What errors call the file. @default the MCAP file */
  readonly name?: string;
  /** Bytes in all, where known: for progress, and to notice early that a file is cut. @default unknown */
  readonly sizeBytes?: number | undefined;
  /**
   * Whether `chunks` may be walked over again, each time from the beginning. A salvage then looks up what a file says once
   * more at its end: a Blob gives `{ chunks: { [Symbol.asyncIterator]: () => blob.stream()[Symbol.asyncIterator]() }, isRepeatable: true }`.
   * @default false
   */
  readonly isRepeatable?: boolean;
}

/** Bytes in the largest part that is handled at once. */
const PART_BYTES = 1 << 20;

/** The source for either way of giving one. */
export function toByteSource(source: ByteSource | ByteChunks): ByteSource {
  return "chunks" in source ? source : { chunks: source };
}

/**
 * The bytes in parts of up to 1 MiB, so that one large chunk holds up neither memory nor the signal. Throws IO where the
 * source fails with something else than a SmaltiError, and the signal's reason as soon as it is given, even while the
 * source is silent. Ends the source when it is left.
 */
export async function* readParts(
  chunks: ByteChunks,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = (chunks as AsyncIterable<Uint8Array>)
    [Symbol.asyncIterator]();
  let waiting = false;
  let ended = false;
  try {
    for (;;) {
      waiting = true;
      const { done, value } = await unlessAborted(iterator.next(), signal);
      waiting = false;
      if (done) {
        ended = true;
        return;
      }
      for (let at = 0; at < value.length; at += PART_BYTES) {
        signal?.throwIfAborted();
        yield value.subarray(at, at + PART_BYTES);
      }
    }
  } catch (reason) {
    if (!waiting || signal?.aborted) throw reason;
    ended = true;
    throw SmaltiError.from(reason, "IO", "the file cannot be read");
  } finally {
    const closing = ended ? undefined : iterator.return?.();
    // A source that is silent may never answer.
    if (waiting) closing?.catch(() => {});
    else await closing;
  }
}

async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return await promise;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop!);
  }
}
