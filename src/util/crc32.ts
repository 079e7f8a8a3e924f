import { crc32 as crc32InScript } from "@foxglove/crc";
import { builtin } from "./builtin.ts";

/** CRC-32 as of zlib: by the runtime's native code where it has that, which is ten times as fast. */
export function crc32(bytes: Uint8Array): number {
  const native = builtin<{ crc32?(bytes: Uint8Array): number }>("node:zlib");
  return native.crc32?.(bytes) ?? crc32InScript(bytes);
}
