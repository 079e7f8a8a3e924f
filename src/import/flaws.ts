import { type ErrorCode, SmaltiError } from "../error.ts";
import { FlawList } from "../util/flaw_list.ts";

/** Something that is wrong with a file, and what that cost. */
export interface ImportFlaw {
  /**
   * What is wrong, in a word. In MCAP: `cut` (the file ends too early), `damaged` (no record where one should begin),
   * `too_large`, `chunk`, `attachment`, `metadata`, `message`, `channel`, `schema` (one that is bad, or is not there),
   * `time` (beyond int64), `data_crc`, `summary`, `magic`, `trailing` (bytes after the end), and the names of other records.
   */
  readonly kind: string;
  /** Byte of the file at which it begins; that of the chunk, for what is in one. */
  readonly offset: number;
  /** The file, where several are imported. */
  readonly file?: string;
  /** The topic concerned, where it is one's. */
  readonly topic?: string;
  /** Bytes of the file that were not read for it, where known. */
  readonly bytes?: number;
  /** What is not in the sequence for it, in words: `its messages, from 5 to 9 ns`. Undefined where that is nothing. */
  readonly lost?: string;
  /** All of it in words, for people. */
  readonly message: string;
}

/** A flaw as an importer tells of it. */
export interface Flaw extends Omit<ImportFlaw, "offset"> {
  /** @default what is handed over begins there: `recording.offset` */
  readonly offset?: number;
  /** Code of the error that an import fails with where the flaw costs something. @default "CORRUPT" */
  readonly code?: ErrorCode;
  /** What led to it. */
  readonly cause?: unknown;
}

/** The flaws of one file. */
export class Flaws extends FlawList<ImportFlaw> {
  readonly #salvage: boolean;

  /** @param salvage Whether flaws that cost something are lived with. */
  constructor(salvage: boolean) {
    super();
    this.#salvage = salvage;
  }

  /** Notes a flaw down. Throws where it cost something that is not to be lived with. */
  override add({ code = "CORRUPT", cause, ...flaw }: Flaw & { offset: number }): void {
    if (flaw.lost !== undefined && !this.#salvage) {
      const { message, offset, topic } = flaw;
      throw new SmaltiError(code, message, { offset, ...(topic !== undefined && { topic }), cause });
    }
    super.add(flaw);
  }
}
