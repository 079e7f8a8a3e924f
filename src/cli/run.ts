/**
 * Arguments -> exit code.
 *
 * @module
 */
import { CommanderError } from "commander";
import { SmaltiError } from "../error.ts";
import { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { ClosedPipe, writeError } from "./output.ts";
import { createProgram } from "./program.ts";
import { exitCodeOfSignal, onSignals } from "./signals.ts";
import { UsageError } from "./usage_error.ts";

/** Runs one command: 0 ok, 1 failed, 2 bad arguments, 129, 130 and 143 for SIGHUP, SIGINT and SIGTERM. Never rejects. */
export async function run(args: readonly string[]): Promise<number> {
  const controller = new AbortController();
  const stopListening = onSignals(controller);
  const context = new Context(controller.signal);
  try {
    await execute(args, context);
    await context.out.flush();
    return context.exitCode;
  } catch (reason) {
    return await fail(reason, context);
  } finally {
    stopListening();
  }
}

async function execute(args: readonly string[], context: Context): Promise<void> {
  try {
    await createProgram(context).parseAsync(args, { from: "user" });
  } catch (reason) {
    // Help and version end this way too.
    if (!(reason instanceof CommanderError) || reason.exitCode !== 0) throw reason;
  }
}

/** Says on stderr what went wrong; returns the exit code. */
async function fail(reason: unknown, { out, signal, complaint }: Context): Promise<number> {
  // Who closes the pipe has seen enough: `| head` is no failure.
  if (reason instanceof ClosedPipe) return 0;
  if (signal.aborted) {
    // What came of the work, where there is something to say.
    if (reason instanceof SmaltiError) await writeError(`smalti: ${errorText(reason)}\n`);
    return exitCodeOfSignal(signal);
  }
  if (reason instanceof CommanderError) {
    await writeError(complaint);
    return 2;
  }
  // Results so far come before the error. If they cannot be written, that is not worth a second message.
  await out.flush().catch(() => {});
  const expected = reason instanceof SmaltiError && reason.code !== "INTERNAL";
  const text = expected || reason instanceof UsageError
    ? errorText(reason)
    : (reason instanceof Error && reason.stack) || String(reason);
  await writeError(`smalti: ${text}\n`);
  return reason instanceof UsageError ? 2 : 1;
}
