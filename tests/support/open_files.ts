import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";

export const onLinux: boolean = process.platform === "linux";

/** Files that a directory store holds open at most: 128 kept, 64 calls that may each be opening or closing one more. */
export const MOST_HELD = 192;

/** The files below a directory that this process holds open; on Linux. */
export function heldFiles(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${directory}/`) ? [target] : [];
    } catch {
      return []; // the descriptor that reads the directory
    }
  });
}
