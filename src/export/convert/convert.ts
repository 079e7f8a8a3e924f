/**
 * From files to files: an import and an export in one, without a store between them.
 *
 * @module
 */
import { noArrow } from "../../arrow/library.ts";
import type { SequenceSink } from "../../backend.ts";
import { backendOf, Client } from "../../client.ts";
import { EmbeddedBackend } from "../../embedded/embedded_backend.ts";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { SequenceHandler } from "../../read/sequence_handler.ts";
import { MemoryStore } from "../../store/memory.ts";
import type { Metadata } from "../../types.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { FLUSH_BYTES, PassingSequence } from "./passing_sequence.ts";

/** Options of {@linkcode convertRecording}. */
export interface ConvertOptions {
  /** Gives it up. @default none */
  signal?: AbortSignal;
}

const CONVERT_OPTIONS: OptionNames<ConvertOptions> = { signal: true };

/** What {@linkcode convertRecording} did. */
export interface ConvertReport<I, E> {
  /** What the import told. */
  readonly imported: I;
  /** What the export told. */
  readonly exported: E;
  /** Messages that came too late to be written in time order: they stand behind later ones. */
  readonly lateCount: number;
}

/**
 * Makes files of one format into files of another: what `read` imports, `write` exports while it comes. Nothing is stored, and
 * memory is bounded as that of the two is, and some 32 MiB; attachments are held until the end.
 *
 * Messages are written in time order where none comes more than some 4 MiB of messages late; a later one stands where it came,
 * and is counted. `read` gets a client for one sequence, `write` its handler, and each a signal that it is to pass on.
 *
 * Rejects with what the one that failed first rejects with; the other is given up then, so `write` leaves nothing. Of a
 * live source what came before its signal is written whole, and the import's ABORTED says so.
 *
 * @param client Whose engine decodes and orders.
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { convertRecording, createFile, exportMcap } from "smalti/export";
 * import { importBag, openFile } from "smalti/import";
 *
 * await using client = await connect("memory:");
 * const source = await openFile("drive.bag");
 * await convertRecording(
 *   client,
 *   (into, signal) => importBag(into, source, { name: "drive", signal }),
 *   async (handler, signal) => exportMcap(handler, await createFile("drive.mcap"), { signal }),
 * );
 * ```
 */
export async function convertRecording<I, E>(
  client: Client,
  read: (client: Client, signal: AbortSignal) => Promise<I>,
  write: (handler: SequenceHandler, signal: AbortSignal) => Promise<E>,
  options: ConvertOptions = {},
): Promise<ConvertReport<I, E>> {
  checkOptions(options, CONVERT_OPTIONS, "Cannot convert");
  const { signal } = options;
  signal?.throwIfAborted();
  const { engine } = backendOf(client);
  const backend = new PassingBackend(engine);
  const [stopReading, stopWriting] = [new AbortController(), new AbortController()];
  const abort = () => {
    stopReading.abort(signal!.reason);
    // What is still being read says how it ends: of a live source what came is written.
    if (backend.sequence?.info.state === "finalized") stopWriting.abort(signal!.reason);
  };
  signal?.addEventListener("abort", abort);
  let failure: { readonly reason: unknown } | undefined;
  let consequence: typeof failure;
  const into = new Client(backend);
  const reading = read(into, stopReading.signal).catch((reason) => {
    failure ??= { reason };
  }).finally(async () => {
    // Of what it left open the export would wait for the end.
    await into.close();
    backend.begin(undefined);
  });
  const writing = backend.begun.then(async (sequence) => {
    if (!sequence) return undefined;
    try {
      return await write(new SequenceHandler(sequence, engine, noArrow), stopWriting.signal);
    } catch (reason) {
      // Where the import has failed it is what went wrong; but of one that was ended all was to be written.
      if (sequence.info.state === "failed") consequence = { reason };
      else failure = { reason };
      stopReading.abort(reason);
    } finally {
      sequence.close();
    }
  });
  try {
    const [imported, exported] = await Promise.all([reading, writing]);
    failure ??= consequence;
    if (failure) throw failure.reason;
    const { sequence } = backend;
    if (!sequence) {
      throw new SmaltiError("INVALID_ARGUMENT", "Cannot convert: nothing made a sequence; wanted one");
    }
    return { imported: imported as I, exported: exported as E, lateCount: sequence.lateCount };
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Passes one sequence on; of all else it is an empty store. */
class PassingBackend extends EmbeddedBackend {
  readonly flushBytes = FLUSH_BYTES;
  /** Resolves when there is a sequence, to undefined where none is to come. */
  readonly begun: Promise<PassingSequence | undefined>;
  readonly begin: (sequence: PassingSequence | undefined) => void;
  sequence: PassingSequence | undefined;

  constructor(engine: Engine) {
    super(new MemoryStore(), engine);
    let begin: this["begin"];
    this.begun = new Promise((resolve) => begin = resolve);
    this.begin = begin!;
  }

  override createSequence(name: string, metadata: Metadata): Promise<SequenceSink> {
    if (this.sequence) {
      const text = `Cannot convert into sequence "${name}" beside "${this.sequence.info.name}": wanted one`;
      return Promise.reject(new SmaltiError("UNSUPPORTED", text, { sequence: name }));
    }
    this.sequence = new PassingSequence(name, metadata);
    this.begin(this.sequence);
    return Promise.resolve(this.sequence);
  }
}
