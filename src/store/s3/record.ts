/**
 * One record of a write-ahead log as bytes: a head of JSON that says what is done to which files, and the bytes that it speaks
 * of. `docs/format.md` has the layout.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { crc32 } from "../../util/crc32.ts";

/** Something that is done to a file. */
export type LogStep =
  /** A file is made, empty. */
  | { readonly do: "create"; readonly path: string }
  /** The next bytes of a record are added to a file that had so many bytes. */
  | { readonly do: "append"; readonly path: string; readonly offset: number; readonly length: number }
  /** The bytes of a file up to the end of an object are in that one, from the end of the one before on. */
  | { readonly do: "bulk"; readonly path: string; readonly key: string; readonly length: number }
  /** A file, or a directory with all below it, is gone from the log: removed, or an object of its own by now. */
  | { readonly do: "drop"; readonly path: string }
  /** A file has the next bytes of a record, whatever it had before. */
  | { readonly do: "replace"; readonly path: string; readonly length: number }
  /** The next bytes of a record are an object's from now on. */
  | { readonly do: "commit"; readonly path: string; readonly length: number };

/** What a record is for: its writer's steps, none where it only says that the writer lives; or the end of its epoch. */
export type RecordKind = "steps" | "fence";

/** A record. */
export interface LogRecord {
  readonly kind: RecordKind;
  readonly steps: readonly LogStep[];
  /** Bytes of all steps, one after the other. */
  readonly bytes: Uint8Array;
}

/** Before the head: its length and CRC-32, the length and CRC-32 of what follows it, each of four bytes, little-endian. */
const PREFIX_BYTES = 16;

/** The record as an object's bytes. */
export function encodeRecord({ kind, steps, bytes }: LogRecord): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(JSON.stringify({ kind, steps }));
  const record = new Uint8Array(PREFIX_BYTES + head.length + bytes.length);
  const view = new DataView(record.buffer);
  [head.length, crc32(head), bytes.length, crc32(bytes)].forEach((value, i) =>
    view.setUint32(4 * i, value, true)
  );
  record.set(head, PREFIX_BYTES);
  record.set(bytes, PREFIX_BYTES + head.length);
  return record;
}

/**
 * Reads a record; its bytes are a view. CORRUPT.
 *
 * @param shown The record as messages name it.
 */
export function decodeRecord(record: Uint8Array, shown: string): LogRecord {
  const wrong = (what: string, cause?: unknown) =>
    new SmaltiError("CORRUPT", `Cannot read the record ${shown}: ${what}`, { cause });
  if (record.length < PREFIX_BYTES) {
    throw wrong(`it has ${record.length} bytes, wanted ${PREFIX_BYTES} or more`);
  }
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const [headBytes, headCrc, length, crc] = [0, 4, 8, 12].map((offset) => view.getUint32(offset, true));
  const wanted = PREFIX_BYTES + headBytes + length;
  if (record.length !== wanted) throw wrong(`it has ${record.length} bytes, wanted ${wanted}`);
  const head = record.subarray(PREFIX_BYTES, PREFIX_BYTES + headBytes);
  const bytes = record.subarray(PREFIX_BYTES + headBytes);
  if (crc32(head) !== headCrc || crc32(bytes) !== crc) throw wrong("its checksum is wrong");
  try {
    const { kind, steps } = JSON.parse(new TextDecoder().decode(head));
    if (kind !== "steps" && kind !== "fence") throw wrong(`its kind is "${kind}", wanted "steps" or "fence"`);
    return { kind, steps, bytes };
  } catch (cause) {
    throw cause instanceof SmaltiError ? cause : wrong("its head is no JSON", cause);
  }
}
