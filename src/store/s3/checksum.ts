import { encodeBase64 } from "../../util/base64.ts";
import { crc32 } from "../../util/crc32.ts";

/** CRC-32 as the service wants it: base64 of four bytes, the highest first. */
export function crcText(bytes: Uint8Array): string {
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, crc32(bytes));
  return encodeBase64(crc);
}
