/**
 * The Rust crate `mcap` as a rival: a small program around it, built where there is cargo.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a run of `rust_mcap` prints, in ns a message; nothing, and a word about it, where it cannot be built. */
export function rustMcap(...args: string[]): Readonly<Record<string, number>> {
  const manifest = new URL("rust_mcap/Cargo.toml", import.meta.url).pathname;
  const target = join(tmpdir(), "smalti-bench-rust-mcap");
  const options = ["run", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir"];
  return answer("cargo", [...options, target, "--", ...args], "no Rust crate");
}

/** What a process prints as JSON; nothing, and a word about it, where it cannot be run. */
export function answer(
  command: string,
  args: readonly string[],
  otherwise: string,
): Readonly<Record<string, number>> {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout || "{}");
  console.log(`${otherwise}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
  return {};
}
