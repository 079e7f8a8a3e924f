import process from "node:process";
import { cliCommand, type Ended, type Running, start, until } from "../support/cli_process.ts";

/** Runs `body` while the command runs; ends it with a signal, and gives how it ended. */
export async function whileViewing(
  args: readonly string[],
  body: (address: URL, running: Running) => Promise<void>,
  { signal = "SIGINT", env = {} }: { signal?: NodeJS.Signals; env?: Record<string, string> } = {},
): Promise<Ended> {
  const running = start([...cliCommand, "view", "--no-open", ...args], env);
  const { child, stdout, ended } = running;
  try {
    await Promise.race([until(() => stdout().endsWith("\n")), ended]);
    const [, address] = /^showing .* at (http:\S+)\n$/.exec(stdout()) ?? [];
    if (address === undefined) throw new Error(`smalti view ended: ${(await ended).stderr}`);
    await body(new URL(address), running);
  } finally {
    if (child.exitCode === null) process.kill(child.pid!, signal);
  }
  return await ended;
}
