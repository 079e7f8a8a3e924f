import { Output } from "./output.ts";

/** What every command gets. */
export class Context {
  /** Where results go: stdout. */
  readonly out: Output = new Output();
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /** How a command that runs to its end ends: 1 where it found something wrong. */
  exitCode: 0 | 1 = 0;
  /** What is wrong with the arguments, in commander's words. */
  complaint = "";

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }
}
