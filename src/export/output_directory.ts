/** Where an export writes several files. Either {@linkcode close} or {@linkcode abort} ends it, once. */
export interface OutputDirectory {
  /**
   * Creates a file in it, to be written and closed before the directory is. Its path is relative, with `/` between names that
   * the directory makes as it needs them.
   */
  file(path: string): Promise<WritableStream<Uint8Array>>;
  /** All files are there. */
  close(): Promise<void>;
  /** Leaves nothing of it. */
  abort(reason?: unknown): Promise<void>;
}
