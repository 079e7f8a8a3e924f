/**
 * Manifests of sequences as they are stored.
 *
 * @module
 */
import { isNotFound, SmaltiError } from "../error.ts";
import { type FileReader, readNow, type Store, type WholeFile } from "../store/store.ts";
import { fileNameOf } from "./file_names.ts";
import { decodeManifest, MANIFEST, type Manifest } from "./manifest.ts";
import { olderPlace } from "./places.ts";
import { LOCK } from "./remove_sequence.ts";

/** A manifest that was read, to be asked for again. */
export interface KnownManifest {
  file?: WholeFile;
  manifest?: Manifest;
}

/** A sequence, and its directory. */
export type Place = Pick<Manifest, "name" | "place">;

/** Reads them. */
export class ManifestReader {
  readonly #files: FileReader;

  constructor(files: FileReader) {
    this.#files = files;
  }

  /** The manifest of a sequence, as it is now. NOT_FOUND, CORRUPT. */
  async read(name: string, known?: KnownManifest): Promise<Manifest> {
    try {
      return await this.readAt({ name, place: known?.manifest?.place ?? fileNameOf(name) }, known);
    } catch (reason) {
      const place = isNotFound(reason) ? await olderPlace(this.#files, name) : undefined;
      if (place === undefined) throw reason;
      return await this.readAt({ name, place }, known);
    }
  }

  /** The same where its directory is known. */
  async readAt({ name, place }: Place, known: KnownManifest = {}): Promise<Manifest> {
    try {
      const file = await readNow(this.#files, `${place}/${MANIFEST}`, known.file);
      if (known.manifest && file === known.file) return known.manifest;
      const manifest = decodeManifest(file.bytes, name, place);
      Object.assign(known, { file, manifest });
      return manifest;
    } catch (reason) {
      throw isNotFound(reason) ? notFound(name, reason) : reason;
    }
  }

  /** LOCKED where it is being recorded, or was left by its writer. */
  async refuseRecording({ name, place, state }: Manifest): Promise<void> {
    if (state !== "recording") return;
    if ("lockedBy" in this.#files) {
      throw stillRecording(name, await (this.#files as Store).lockedBy(`${place}/${LOCK}`));
    }
    const text = `Sequence "${name}" is being recorded, or was left by its writer: wanted a finalized one`;
    throw new SmaltiError("LOCKED", text, { sequence: name });
  }
}

/** What is said of a sequence that is being recorded, or was left. */
export function stillRecording(name: string, holder: string | undefined): SmaltiError {
  const text = holder
    ? `Sequence "${name}" is being recorded by ${holder}: wanted a finalized one`
    : `Sequence "${name}" was never finalized and its writer is gone: recover it first`;
  return new SmaltiError("LOCKED", text, { sequence: name });
}

/** What is said of a sequence that is not there. */
export function notFound(name: string, cause: unknown): SmaltiError {
  return new SmaltiError("NOT_FOUND", `No sequence "${name}"`, { sequence: name, cause });
}
