import { spawn } from "node:child_process";
import process from "node:process";
import { isGranted } from "../../util/rights.ts";

/** What opens a URL in the user's browser. */
const COMMANDS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  // Not `start`, which takes a part of a URL for another command.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens a URL in the user's browser. Nothing where there is none: the URL was printed too. */
export function openBrowser(url: string): void {
  const [command, ...args] = COMMANDS[process.platform] ?? ["xdg-open"];
  if (!isGranted({ name: "run" })) return;
  try {
    const child = spawn(command, [...args, url], { stdio: "ignore", detached: true });
    child.on("error", () => {});
    child.unref();
  } catch {
    // As above.
  }
}
