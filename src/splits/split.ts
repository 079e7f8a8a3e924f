/**
 * What a split is: a piece of a recording that one worker of a cluster replays, told in plain JSON, so that any engine can
 * carry it from where it was cut to where it is read.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { show } from "../util/show.ts";

/** A piece of a sequence: all rows of some topics in a window of time. Each row of the sequence is in exactly one of its splits. */
export interface Split {
  /** What it is. */
  readonly format: "smalti-split";
  /** Of this form of it. */
  readonly version: 1;
  /** A name for what is made of it, the same each time: a retried task finds its work done. A valid name of a sequence. */
  readonly name: string;
  /** Where the recordings are, without secrets: a directory, or a URL. */
  readonly store: string;
  /** The sequence's name. */
  readonly sequence: string;
  /** First time inside, ns; a decimal string, since it passes 2^53. */
  readonly startNs: string;
  /** First time after it, ns. */
  readonly endNs: string;
  /** Bytes of all batches that touch it; those on its edge count in the next one too. */
  readonly bytes: number;
  /** Rows of these batches. */
  readonly rows: number;
  /** In ASCII order of their names; those that have rows in the window, or may have. */
  readonly topics: readonly SplitTopic[];
}

/** A topic's part of a split. */
export interface SplitTopic {
  /** The topic's name. */
  readonly name: string;
  /** Its Arrow IPC file, relative to the store. */
  readonly file: string;
  /** Bytes of the file. */
  readonly sizeBytes: number;
  /**
   * Which state of the file it is: the checksum of its index (`smalti:index_crc` in the footer), which covers the place, the
   * times and the checksum of each batch.
   */
  readonly fingerprint: string;
  /** Batches that touch the window, in the order of the file: number, offset and length of the message, rows. */
  readonly batches: readonly (readonly [number: number, offset: number, length: number, rows: number])[];
}

/** A split from JSON text, or from what that was parsed to. INVALID_ARGUMENT where it is none. */
export function toSplit(split: unknown): Split {
  let json = split;
  if (typeof split === "string") {
    try {
      json = JSON.parse(split);
    } catch (cause) {
      throw notSplit(`it is no JSON: ${(cause as Error).message}`);
    }
  }
  const { format, version, sequence, startNs, endNs, topics } = Object(json) as Record<keyof Split, unknown>;
  if (format !== "smalti-split") throw notSplit(`format is ${show(format)}, wanted "smalti-split"`);
  if (version !== 1) throw notSplit(`version is ${show(version)}, wanted 1`);
  if (typeof sequence !== "string") throw notSplit(`sequence is ${show(sequence)}, wanted a name`);
  for (const [name, ns] of Object.entries({ startNs, endNs })) {
    if (typeof ns !== "string" || !/^-?\d{1,19}$/.test(ns)) {
      throw notSplit(`${name} is ${show(ns)}, wanted nanoseconds as a decimal string`);
    }
  }
  if (!Array.isArray(topics) || !topics.every(isTopic)) {
    throw notSplit("topics are not { name, file, sizeBytes, fingerprint, batches } each");
  }
  return json as Split;
}

function isTopic(topic: unknown): boolean {
  const { name, file, sizeBytes, fingerprint, batches } = Object(topic) as Record<keyof SplitTopic, unknown>;
  return typeof name === "string" && typeof file === "string" && typeof sizeBytes === "number" &&
    typeof fingerprint === "string" && Array.isArray(batches);
}

function notSplit(text: string): SmaltiError {
  return new SmaltiError("INVALID_ARGUMENT", `Cannot open a split: ${text}`);
}
