/**
 * Runs the code blocks of README.md and docs/, page by page, each page's in order and in one directory, as a reader would who
 * pastes them one after another: `ts` on Deno, `sh` in a shell in which `npx smalti` is this source. README's run twice. A
 * block after `<!-- not run: WHY -->` is left out. Prints one line per block that fails.
 *
 * @module
 */
import { deno, install, listFiles, root, run } from "./tooling.ts";

/** A block of a page. */
interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of its first line, from 1. */
  readonly line: number;
}

/** No block takes so long unless it hangs, in seconds. */
const LIMIT_SECONDS = 60;

const pages = Deno.args.length > 0 ? Deno.args : ["README.md", "README.md", ...listFiles("docs", ".md")];
await install(".");
let count = 0;
const failures: string[] = [];
const directory = await Deno.makeTempDir({ dir: root, prefix: ".docs-" });
try {
  let previous = "";
  for (const page of pages) {
    // The second time in the same directory: README's can be run again.
    if (page !== previous) await empty();
    previous = page;
    for (const block of blocksOf(await Deno.readTextFile(`${root}/${page}`))) {
      count++;
      const { code, output } = await runBlock(block);
      if (code === 0) continue;
      failures.push(`${page}:${block.line}: exit code ${code}\n${output}`);
      break; // what follows builds on it
    }
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
for (const failure of failures) console.error(failure);
if (failures.length > 0 || count === 0) {
  console.error(`check_docs: ${failures.length} failures in ${count} blocks`);
  Deno.exit(1);
}

async function empty(): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    await Deno.remove(`${directory}/${name}`, { recursive: true });
  }
  // What the pages' commands name.
  await Deno.symlink(`${root}/examples`, `${directory}/examples`);
  await Deno.symlink(`${root}/tests/fixtures/formats`, `${directory}/logs`);
}

/** The `ts` and `sh` blocks that are to be run. */
function blocksOf(text: string): Block[] {
  const fence = /^(<!-- not run: .+ -->\n+)?^```(ts|sh)\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].flatMap(({ 0: whole, 1: notRun, 2: language, 3: code, index }) => {
    if (notRun !== undefined) return [];
    const line = text.slice(0, index + whole.indexOf("```")).split("\n").length + 1;
    return [{ language, text: code, line }];
  });
}

function runBlock({ language, text }: Block): Promise<{ code: number; output: string }> {
  const options = { cwd: directory, quiet: true, env: { NO_COLOR: "1" } };
  const limit = ["timeout", String(LIMIT_SECONDS)];
  if (language === "ts") {
    const file = `${directory}/block.ts`;
    Deno.writeTextFileSync(file, text);
    return run([...limit, ...deno("run", "--no-check", "-A", `--config=${root}/deno.json`, file)], options);
  }
  const cli = deno("run", "--no-check", "-A", `${root}/src/cli/main.ts`).join(" ");
  const npx = `npx() { [[ $1 == smalti ]] || exit 64; shift; ${cli} "$@"; }`;
  return run([...limit, "bash", "-euo", "pipefail", "-c", `${npx}\n${text}`], options);
}
