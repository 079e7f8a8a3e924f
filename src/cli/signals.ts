import process from "node:process";

/** Signals that end a command, with the exit code that shells expect: 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

class Interruption extends Error {
  readonly exitCode: number;
  constructor(signal: string, exitCode: number) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCode;
  }
}

/**
 * Aborts the controller on Ctrl-C and SIGTERM, so that the work can end cleanly; a second signal ends the process at
 * once. Returns what stops listening.
 */
export function onSignals(controller: AbortController): () => void {
  const listeners = Object.entries(EXIT_CODES).map(([name, exitCode]) => {
    const listener = () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new Interruption(name, exitCode));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return () => listeners.forEach(([name, listener]) => process.off(name, listener));
}

/** The exit code that goes with an aborted signal. */
export function exitCodeOfSignal(signal: AbortSignal): number {
  return signal.reason instanceof Interruption ? signal.reason.exitCode : 1;
}
