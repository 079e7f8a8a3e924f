import { SmaltiError } from "../error.ts";

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

/** Refuses what would lie elsewhere: INVALID_ARGUMENT. */
export function checkFileName(name: string, directory: string): void {
  const parts = name.split("/");
  if (parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\\0]/.test(part))) return;
  const text = `Cannot create ${JSON.stringify(name)} in ${directory}: wanted names with "/" between them`;
  throw new SmaltiError("INVALID_ARGUMENT", text);
}
