/**
 * `smalti view`: a page that shows recordings, in a browser of this machine.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { SmaltiError } from "../error.ts";
import { parsePort, parseSequenceName, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { writeError } from "./output.ts";
import { UsageError } from "./usage_error.ts";

/** Characters of a token at least, so that nobody guesses it. */
const MIN_TOKEN = 16;

interface Options {
  store: string;
  port: number;
  host: string;
  token?: string;
  open: boolean;
  page?: string;
}

/** Adds the command. */
export function addView(program: Command, context: Context): void {
  program.command("view")
    .description("Shows recordings on a page in the browser, until Ctrl-C.")
    .argument("[NAME|URL]", "sequence, or its URL on another server (default: a list of all)", parseShown)
    .addOption(storeOption())
    .addOption(
      new Option("--port <N>", "port to listen on; 0 takes a free one").default(0).argParser(parsePort),
    )
    .option("--host <H>", "address to listen on; one that others reach wants --token", "127.0.0.1")
    .addOption(
      new Option(
        "--token <T>",
        `what the page's address has to bring: letters, digits, _ and -, ${MIN_TOKEN} or more (default: a new one)`,
      )
        .default(undefined, "a new one each time").argParser(parseToken),
    )
    .option("--no-open", "print the address and open no browser")
    .addOption(new Option("--page <DIR>", "directory of the built page").hideHelp())
    .addHelpText(
      "after",
      "\nRecordings are read only. Who has the address with the token may read all of the store, and save the layout\n" +
        "that it is shown in (viewer.json). A recording of another server is read by the page itself: that server has to\n" +
        "allow it (CORS).",
    )
    .action((shown: string | undefined, options: Options) => view(context, shown, options));
}

async function view(context: Context, shown: string | undefined, options: Options): Promise<void> {
  const { host, port, token } = options;
  const { Guard, isLoopback } = await import("./view/guard.ts");
  if (!isLoopback(host) && token === undefined) {
    throw new UsageError(`--host ${host} is reached by others: wanted --token too`);
  }
  const remote = remoteUrl(shown, options.store);
  const [{ findPage }, { ViewServer }, { openBrowser }] = await Promise.all([
    import("./view/page.ts"),
    import("./view/server.ts"),
    import("./view/browser.ts"),
  ]);
  const page = await findPage(options.page);
  const guard = new Guard(host, token);
  const served = remote === undefined ? await openStore(options.store, shown) : undefined;
  try {
    const otherOrigin = remote === undefined ? undefined : new URL(remote).origin;
    const server = await ViewServer.start({ host, port, guard, page, served, otherOrigin, onError });
    try {
      const url = remote ?? `store/${shown ?? ""}`;
      const address = (token: string) => `${server.url}?${new URLSearchParams({ token, url })}`;
      await context.out.write(`showing ${remote ?? shown ?? options.store} at ${address(guard.token)}\n`);
      await context.out.flush();
      if (!isLoopback(host)) {
        await writeError("smalti: the token and the recordings cross the network for all to see\n");
      }
      if (options.open) openBrowser(address(guard.once()));
      const { signal } = context;
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      }
    } finally {
      await server.close();
    }
  } finally {
    await served?.client.close();
  }
  context.signal.throwIfAborted();
}

/** The recordings of a directory. NOT_FOUND where it is not there, or has no such sequence. */
async function openStore(directory: string, name: string | undefined) {
  if (/^[a-z][a-z0-9+.-]+:/i.test(directory) && !/^file:/i.test(directory)) {
    throw new SmaltiError("UNSUPPORTED", `Cannot show ${directory}: wanted a directory, or an http: URL`);
  }
  const [{ connect }, { openDirectory }] = await Promise.all([
    import("../entry/main.ts"),
    import("../store/directory/directory_store.ts"),
  ]);
  const store = openDirectory(directory);
  const client = await connect(store);
  try {
    if (name === undefined) await client.listSequences();
    else {
      await client.sequenceInfo(name);
      const [{ isBelow }, { placeOf }] = await Promise.all([
        import("./view/paths.ts"),
        import("../embedded/places.ts"),
      ]);
      if (!await isBelow(store.url, [await placeOf(store, name)])) {
        const text = `Cannot show sequence "${name}": it is a link that leads out of ${directory}; ` +
          "wanted --store with the directory that it is in";
        throw new SmaltiError("PERMISSION_DENIED", text, { sequence: name });
      }
    }
    return { root: store.url, store, client };
  } catch (reason) {
    await client.close();
    throw reason;
  }
}

/** The URL of what is on another server; undefined where it is in a directory. */
function remoteUrl(shown: string | undefined, store: string): string | undefined {
  if (shown !== undefined && isUrl(shown)) return shown;
  if (!isUrl(store)) return undefined;
  const url = new URL(store);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  url.pathname += shown ?? "";
  return url.href;
}

function isUrl(text: string): boolean {
  return /^https?:/i.test(text);
}

function parseShown(text: string): string {
  if (!isUrl(text)) return parseSequenceName(text);
  if (!URL.canParse(text)) {
    throw new InvalidArgumentError("Wanted a URL as in https://host/recordings/flight.");
  }
  return text;
}

function parseToken(text: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(text) && text.length >= MIN_TOKEN) return text;
  throw new InvalidArgumentError(`Wanted ${MIN_TOKEN} or more letters, digits, _ and -.`);
}

function onError(reason: unknown): void {
  writeError(`smalti: ${errorText(reason)}\n`);
}
