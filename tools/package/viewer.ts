/**
 * The viewer as it is installed: what it weighs, that the command serves it, and that the program of docs/viewer.md type-checks.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { executable, listFiles, root } from "../tooling.ts";
import { fail, type Project } from "./project.ts";

/** Bytes of all of its files, gzipped, at most. */
const MAX_BYTES = 750_000;
/** How long the command may take until it listens. */
const START_MS = 30_000;

/** Prints what it weighs. */
export function weighViewer({ path }: Project): void {
  const directory = `${path}/node_modules/smalti/dist/viewer`;
  const bytes = listFiles(".", "", directory)
    .reduce((sum, file) => sum + gzipSync(Deno.readFileSync(`${directory}/${file}`)).length, 0);
  console.log(`the viewer: ${Math.round(bytes / 1000)} KB gzipped`);
  if (bytes > MAX_BYTES) fail(`the viewer has ${bytes} bytes gzipped, wanted ${MAX_BYTES}`);
}

/** `smalti view` of an empty project: the page, and what it begins with. */
export async function checkView({ path }: Project): Promise<void> {
  const store = `${path}/viewed`;
  await Deno.mkdir(store);
  const args = ["node_modules/.bin/smalti", "view", "--no-open", "--store", store];
  const process = new Deno.Command(await executable("node20"), {
    args,
    cwd: path,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const timer = setTimeout(() => process.kill(), START_MS);
  try {
    const [, url] = /at (http:\S+)/.exec(await firstLine(process.stdout)) ?? [];
    if (url === undefined) fail("smalti view did not print its address");
    const first = await fetch(url, { redirect: "manual" });
    await first.body?.cancel();
    const headers = { Cookie: first.headers.get("Set-Cookie")?.split(";")[0] ?? "" };
    const page = await (await fetch(new URL("/", url), { headers })).text();
    if (!page.includes("<smalti-viewer")) fail(`smalti view serves another page: ${page.slice(0, 200)}`);
    const [, script] = /<script type="module"[^>]* src="([^"]+)"/.exec(page) ?? [];
    const response = await fetch(new URL(script ?? "none", url), { headers });
    await response.body?.cancel();
    if (!response.ok) fail(`smalti view has not ${script}: ${response.status}`);
  } finally {
    clearTimeout(timer);
    process.kill();
    await process.status;
  }
}

/** Writes the program that docs/viewer.md shows, to be type-checked; returns its path. */
export function writeViewerExample({ path }: Project): string {
  const [, text] = /```ts ignore\n([\s\S]*?)```/.exec(Deno.readTextFileSync(`${root}/docs/viewer.md`)) ?? [];
  if (text === undefined) fail("docs/viewer.md shows no panel");
  const file = `${path}/types/viewer_panel.ts`;
  Deno.writeTextFileSync(file, text);
  return file;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  return text;
}
