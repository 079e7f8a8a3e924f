import { SmaltiError } from "../error.ts";
import { type BlobLike, blobSource, isBlob } from "./blob_source.ts";

/** The bytes of a file, wherever they come from. */
export type ByteChunks = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** The bytes of a file and what is known of it: what `openFile` gives, or `{ chunks: response.body }`. */
export interface ByteSource {
  /** The bytes in order, in chunks of any size. Each is used before the next is asked for. */
  readonly chunks: ByteChunks;
  /** What errors call the file. @default by its format: the MCAP file */
  readonly name?: string;
  /** Bytes in all, where known: for progress, and to notice early that a file is cut. @default unknown */
  readonly sizeBytes?: number | undefined;
  /**
   * Whether it is written while it is read and cannot be had again: a pipe, a socket. What is imported of it is then
   * flushed as it comes, and stays when the signal ends the import. @default false
   */
  readonly isLive?: boolean;
  /**
   * Whether `chunks` may be walked over again, each time from the beginning. A salvage then looks up what a file says once
   * more at its end.
   * @default false
   */
  readonly isRepeatable?: boolean;
  /** The bytes from a place on, as many as there are, where any part can be had. With it, `sizeBytes` is known. @default none */
  readonly read?: (offset: number, length: number) => Promise<Uint8Array>;
  /** @internal All bytes, of a file that is in memory whole when it is read. They are not to be changed. */
  readonly whole?: () => Promise<Uint8Array>;
  /** All bytes of the file beside it whose name has this at its end, up to so many; undefined where there is none. @default none */
  readonly beside?: (suffix: string, maxBytes: number) => Promise<Uint8Array | undefined>;
}

/** Bytes in the largest part that is handled at once. */
const PART_BYTES = 1 << 20;

/** One file to import: a source, its bytes alone, or a `Blob`, as of a file that was chosen in a browser. */
export type ImportSource = ByteSource | ByteChunks | BlobLike;

/** What an import reads: a file, or several in order. */
export type ImportSources = ImportSource | readonly ImportSource[];

/** The sources for any way of giving them. TypeError where there is none. */
export function toByteSources(sources: ImportSources): ByteSource[] {
  const list = Array.isArray(sources) ? sources : [sources];
  if (list.length === 0) throw new TypeError("Cannot import: there is no source, wanted one or more");
  return list.map((source: ImportSource) => {
    if (isBlob(source)) return blobSource(source);
    return "chunks" in source ? source : { chunks: source };
  });
}

/** Work to be done when a source is silent for so long, and at least so often while it is not. */
export interface PauseWork {
  readonly afterMs: number;
  run(): Promise<void>;
}

/**
 * The bytes in parts of up to 1 MiB, so that one large chunk holds up neither memory nor the signal. Throws IO where the
 * source fails with something else than a SmaltiError, and the signal's reason as soon as it is given, even while the
 * source is silent. Ends the source when it is left.
 */
export async function* readParts(
  chunks: ByteChunks,
  signal?: AbortSignal,
  pause?: PauseWork,
): AsyncGenerator<Uint8Array> {
  const iterator = (chunks as AsyncIterable<Uint8Array>)
    [Symbol.asyncIterator]();
  let waiting = false;
  let ended = false;
  let pausedMs = performance.now();
  const doPauseWork = async () => {
    await pause!.run();
    pausedMs = performance.now();
  };
  try {
    for (;;) {
      if (pause && performance.now() - pausedMs >= pause.afterMs) await doPauseWork();
      waiting = true;
      const next = iterator.next().catch((reason) => {
        ended = true;
        throw SmaltiError.from(reason, "IO", "the file cannot be read");
      });
      if (pause && !await unlessAborted(isSettledWithin(next, pause.afterMs), signal)) await doPauseWork();
      const { done, value } = await unlessAborted(next, signal);
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
  } finally {
    const closing = ended ? undefined : iterator.return?.();
    // A source that is silent may never answer.
    if (waiting) closing?.catch(() => {});
    else await closing;
  }
}

/** Whether a promise is settled before so much time has passed. */
async function isSettledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(resolve, ms, false));
  const settled = promise.then(() => true, () => true);
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
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

/**
 * The first bytes of a source, as many as `isEnough` wants of `most`, fewer where it ends before; and the source to read in
 * its place from the beginning, which for a live one is the same walk. Rejects as {@linkcode readParts}.
 */
export async function firstBytes(
  source: ByteSource,
  most: number,
  isEnough: (head: Uint8Array) => boolean,
  signal?: AbortSignal,
): Promise<{ head: Uint8Array; source: ByteSource }> {
  const parts = readParts(source.chunks, signal);
  let taken = new Uint8Array(0);
  while (taken.length < most && !isEnough(taken)) {
    const { done, value } = await parts.next();
    if (done) break;
    const longer = new Uint8Array(taken.length + value.length);
    longer.set(taken);
    longer.set(value, taken.length);
    taken = longer;
  }
  const head = taken.subarray(0, most);
  if (!source.isLive) {
    await parts.return(undefined);
    return { head, source };
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield taken;
    yield* parts;
  }
  return { head, source: { ...source, chunks: rest() } };
}
