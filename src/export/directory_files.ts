import type { OutputDirectory } from "./output_directory.ts";

/** The files of a directory as one sink: bytes go to the file that is open. */
export class DirectoryFiles {
  /** What is to be written to; closed, it closes the directory. */
  readonly sink: WritableStream<Uint8Array>;
  readonly #directory: OutputDirectory;
  #file: WritableStreamDefaultWriter<Uint8Array> | undefined;

  constructor(directory: OutputDirectory) {
    this.#directory = directory;
    this.sink = new WritableStream({
      write: (bytes) => this.#file!.write(bytes),
      close: () => directory.close(),
    });
  }

  /** Opens a file; the one before has ended. */
  async begin(path: string): Promise<void> {
    this.#file = (await this.#directory.file(path)).getWriter();
  }

  /** The file is whole. */
  async end(): Promise<void> {
    await this.#file!.close();
    this.#file = undefined;
  }

  /** Leaves nothing. */
  async abort(reason: unknown): Promise<void> {
    // What these have to say is not what went wrong.
    await this.#file?.abort(reason).catch(() => {});
    await this.#directory.abort(reason).catch(() => {});
  }
}
