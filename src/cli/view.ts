/**
 * `smalti view`: a page that shows recordings, in a browser of this machine.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parsePort, parseSequenceName, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { writeError } from "./output.ts";
import { isRemote } from "./remote_file.ts";
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
    .argument(
      "[NAME|URL]",
      "sequence, or the URL of one or of a place with some: https:, s3: (default: a list of all)",
      parseShown,
    )
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
        "that it is shown in (viewer.json). What is on a web server or in a bucket is passed on: the page asks this machine\n" +
        "alone, and gets no credentials.",
    )
    .action((shown: string | undefined, options: Options) => view(context, shown, options));
}

async function view(context: Context, shown: string | undefined, options: Options): Promise<void> {
  const { host, port, token } = options;
  const { Guard, isLoopback } = await import("./view/guard.ts");
  if (!isLoopback(host) && token === undefined) {
    throw new UsageError(`--host ${host} is reached by others: wanted --token too`);
  }
  const [{ findPage }, { ViewServer }, { openBrowser }, { openShown }] = await Promise.all([
    import("./view/page.ts"),
    import("./view/server.ts"),
    import("./view/browser.ts"),
    import("./view/open_served.ts"),
  ]);
  const page = await findPage(options.page);
  const guard = new Guard(host, token);
  const { served, name = "" } = await openShown(options.store, shown);
  try {
    const server = await ViewServer.start({ host, port, guard, page, served, onError });
    try {
      const address = (token: string) =>
        `${server.url}?${new URLSearchParams({ token, url: `store/${name}` })}`;
      const { url } = served.store;
      const what = isRemote(url) ? url + name : shown ?? options.store;
      await context.out.write(`showing ${what} at ${address(guard.token)}\n`);
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
    await served.client.close();
  }
  context.signal.throwIfAborted();
}

function parseShown(text: string): string {
  if (!isRemote(text)) return parseSequenceName(text);
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
