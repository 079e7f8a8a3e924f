/**
 * The records of MCAP: what they say -> bytes.
 *
 * Source: MCAP specification, https://mcap.dev/spec#records.
 *
 * @module
 */
import { HEADER_BYTES } from "../../import/mcap/mcap_records.ts";
import type { ByteBuilder } from "../byte_builder.ts";

/** Adds a record, whose content `write` adds. */
export function putRecord(out: ByteBuilder, opcode: number, write: (out: ByteBuilder) => void): void {
  const start = beginRecord(out, opcode);
  write(out);
  endRecord(out, start);
}

/** Begins a record; where it is. */
export function beginRecord(out: ByteBuilder, opcode: number): number {
  const start = out.take(HEADER_BYTES);
  out.bytes[start] = opcode;
  return start;
}

/** Ends a record that begins at a place. */
export function endRecord(out: ByteBuilder, start: number): void {
  out.setSize(start + 1, out.length - start - HEADER_BYTES);
}

/** A text with its length. */
export function putText(out: ByteBuilder, text: string): void {
  const at = out.take(4);
  out.utf8(text);
  out.view.setUint32(at, out.length - at - 4, true);
}

/** Texts by key. */
export function putTexts(out: ByteBuilder, texts: ReadonlyMap<string, string>): void {
  putSized(out, () => {
    for (const [key, text] of texts) {
      putText(out, key);
      putText(out, text);
    }
  });
}

/** What `write` adds, with its bytes in front. */
export function putSized(out: ByteBuilder, write: () => void): void {
  const at = out.take(4);
  write();
  out.view.setUint32(at, out.length - at - 4, true);
}
