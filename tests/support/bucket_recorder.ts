/**
 * Starts `bucket_recorder.mjs`, a process that records to a bucket, on the runtime of the tests.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { S3Options } from "../../src/store/s3/s3_options.ts";
import { library } from "./child.ts";

/** Something that it said. */
export interface RecorderSaid {
  /** So many rows are durable. */
  flushed?: number;
  /** So many rows are committed. */
  finalized?: number;
  /** What it failed with, which ends it. */
  code?: string;
  /** How often a push had to be waited for, the most memory while it recorded, that at the end, and times. */
  waits?: number;
  mostRssBytes?: number;
  finalRssBytes?: number;
  longestFlushMs?: number;
  recordedMs?: number;
  finalizeMs?: number;
  /** What these calls fail with. */
  sequenceUpdate?: string;
  sequenceDelete?: string;
  recover?: string;
}

/** Rows of all that is recorded by "rows". */
export const RECORDED_ROWS = 150;

/** What it does: see the script. */
export type RecorderAction = "rows" | "large" | "hold" | "drive" | "intrude";

/** One that runs. */
export class BucketRecorder {
  readonly said: RecorderSaid[] = [];
  /** Resolves when it is gone, all that it said being here. */
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  /** @param seconds How long the drive is. */
  constructor(url: string, options: S3Options, action: RecorderAction, seconds = 0) {
    const script = fileURLToPath(new URL("bucket_recorder.mjs", import.meta.url));
    const runtime = "deno" in process.versions ? ["run", "-A", "--node-modules-dir=manual"] : [];
    const s3 = JSON.stringify({ ...options, write: true });
    const args = [...runtime, script, library!, url, s3, action, String(seconds)];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    let rest = "";
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      // The last one may be cut.
      rest = lines.pop()!;
      for (const line of lines) this.said.push(JSON.parse(line));
      this.#waiting.forEach((look) => look());
    });
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  /** How many rows it said were durable. */
  get flushed(): number {
    return Math.max(0, ...this.said.map(({ flushed = 0, finalized = 0 }) => Math.max(flushed, finalized)));
  }

  /** Whether it said that all is committed. */
  get isFinal(): boolean {
    return this.said.some(({ finalized }) => finalized !== undefined);
  }

  /** Resolves when so many rows are durable, or it is gone. */
  async until(flushed: number): Promise<void> {
    await Promise.race([
      this.ended,
      new Promise<void>((resolve) => {
        const look = () => {
          if (this.flushed < flushed && this.said.at(-1)?.code === undefined) return;
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
        look();
      }),
    ]);
  }

  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    // Its own method gives no more signals after the first, on Deno.
    process.kill(this.#child.pid!, name);
  }

  /** Ends it by force. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal("SIGKILL");
    await this.ended;
  }

  /** No test leaves one behind, least of all one that is stopped. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  /** Lets one that holds a sequence go. */
  async release(): Promise<void> {
    this.#child.stdin!.end();
    await this.ended;
  }
}
