import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { OutputDirectory } from "./output_directory.ts";
import {
  type ExportOptions,
  exportRecording,
  type ExportReport,
  type OpenFile,
  type RecordingExport,
} from "./recording_export.ts";

/** Exports into a directory: `write` opens its files. It is closed when that returns, and aborted where it fails. */
export async function exportFiles(
  handler: SequenceHandler,
  directory: OutputDirectory,
  options: ExportOptions,
  write: (recording: RecordingExport, files: DirectoryFiles) => Promise<void>,
): Promise<ExportReport> {
  const files = new DirectoryFiles(directory);
  try {
    return await exportRecording(handler, files.sink, options, (recording) => write(recording, files));
  } catch (reason) {
    // Not by the sink: one that has failed is told of no abort.
    await files.abort(reason);
    throw reason;
  }
}

/** The files of a directory as they are written, and the directory as one sink of which closing is used alone. */
export class DirectoryFiles {
  /** Closed, it closes the directory. */
  readonly sink: WritableStream<Uint8Array>;
  readonly #directory: OutputDirectory;
  readonly #open = new Set<WritableStreamDefaultWriter<Uint8Array>>();

  constructor(directory: OutputDirectory) {
    this.#directory = directory;
    this.sink = new WritableStream({ close: () => directory.close() });
  }

  /** Opens a file. */
  async open(path: string): Promise<OpenFile> {
    const file = (await this.#directory.file(path)).getWriter();
    this.#open.add(file);
    return {
      write: (bytes) => file.write(bytes),
      close: async () => {
        await file.close();
        this.#open.delete(file);
      },
      discard: async (reason) => {
        this.#open.delete(file);
        await file.abort(reason);
      },
    };
  }

  /** Leaves nothing. */
  async abort(reason: unknown): Promise<void> {
    // What these have to say is not what went wrong.
    await Promise.all([...this.#open].map((file) => file.abort(reason).catch(() => {})));
    await this.#directory.abort(reason).catch(() => {});
  }
}
