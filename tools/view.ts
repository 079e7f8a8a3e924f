/**
 * `deno task view [ARGUMENT ...]`: builds the page where it is stale and shows the demo flight in it; arguments are those of
 * `smalti view`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { buildViewer } from "./build_viewer.ts";
import { mustRun, root } from "./tooling.ts";

const smalti = [Deno.execPath(), "run", "-A", `${root}/src/cli/main.ts`];
await buildViewer();
if (!existsSync(`${root}/recordings/px4-vtol-flight`)) await mustRun([...smalti, "demo"], { quiet: true });
// Options alone, such as --no-open, name no recording.
const takesValue = /^--(port|host|token|store)$/;
const hasName = Deno.args.some((arg, i, args) => !arg.startsWith("-") && !takesValue.test(args[i - 1] ?? ""));
const given = hasName || Deno.args.includes("--store") ? Deno.args : ["px4-vtol-flight", ...Deno.args];
const [command, ...args] = [...smalti, "view", ...given];
// With the terminal, so that Ctrl-C ends it.
const { code } = await new Deno.Command(command, { args, cwd: root }).spawn().status;
Deno.exit(code);
