import { readFileSync } from "node:fs";
import process from "node:process";
import { isGranted } from "../util/rights.ts";

/** Signals that end a command, with the exit code that shells expect: 128 and the signal's number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

class Interruption extends Error {
  readonly exitCode: number;
  constructor(signal: string, exitCode: number) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCode;
  }
}

/**
 * Aborts the controller on Ctrl-C, SIGTERM, and SIGHUP as when the terminal is closed, so that the work can end cleanly; a
 * second signal ends the process at once. Returns what stops listening.
 */
export function onSignals(controller: AbortController): () => void {
  // `nohup` means it. Deno forgets that with the first listener of any signal.
  const isDeaf = ignoresHangUp();
  const listeners = Object.entries(EXIT_CODES).map(([name, exitCode]) => {
    const listener = () => {
      if (name === "SIGHUP" && isDeaf) return;
      if (!controller.signal.aborted) controller.abort(new Interruption(name, exitCode));
      // A closed terminal may send more than one: its own, and its shell's.
      else if (name !== "SIGHUP") process.exit(exitCode);
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return () => listeners.forEach(([name, listener]) => process.off(name, listener));
}

/** Whether the process was started with SIGHUP (number 1) ignored; Linux alone tells (proc_pid_status(5), SigIgn). */
function ignoresHangUp(): boolean {
  const path = "/proc/self/status";
  if (!isGranted({ name: "read", path })) return false;
  try {
    const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(path, "utf8"))!;
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** The exit code that goes with an aborted signal. */
export function exitCodeOfSignal(signal: AbortSignal): number {
  return signal.reason instanceof Interruption ? signal.reason.exitCode : 1;
}
