/**
 * `smalti view` in this process, for the checks of the viewer.
 *
 * @module
 */
import { connect } from "../../mod.ts";
import { servedDirectory } from "../../src/cli/view/directory_files.ts";
import { Guard } from "../../src/cli/view/guard.ts";
import { servedWeb } from "../../src/cli/view/open_served.ts";
import { ViewServer } from "../../src/cli/view/server.ts";
import type { ServedStore } from "../../src/cli/view/shown_files.ts";
import { openDirectory } from "../../src/store/directory/directory_store.ts";
import { viewerDirectory } from "../build_viewer.ts";
import type { Checked } from "./checked.ts";
import { check } from "./page.ts";

/** A server that runs, and can be stopped and started again. */
export interface Served {
  /** The page's URL of a recording. */
  url(name: string): string;
  stop(): Promise<void>;
  /** At the same port, with the same token. */
  start(): Promise<void>;
}

/** Runs it on a directory, or on a web server's URL, while `use` runs. */
export async function withServer(
  { browser, recordings }: Pick<Checked, "browser" | "recordings">,
  use: (served: Served) => Promise<void>,
): Promise<void> {
  const served = await open(recordings);
  const guard = new Guard("127.0.0.1");
  const failures: unknown[] = [];
  const start = (port: number) =>
    ViewServer.start({
      host: "127.0.0.1",
      port,
      guard,
      page: viewerDirectory,
      served,
      onError: (reason) => failures.push(reason),
    });
  let server = await start(0);
  const { url } = server;
  try {
    await use({
      url: (name) => `${url}?${new URLSearchParams({ token: guard.token, url: `store/${name}` })}`,
      stop: () => server.close(),
      start: async () => void (server = await start(Number(new URL(url).port))),
    });
    check(failures.length === 0, `the server failed:\n${failures.join("\n")}`);
  } finally {
    // A page that stays would complain that the server has gone.
    await browser.closePages();
    await server.close();
    await served.client.close();
  }
}

async function open(recordings: string): Promise<ServedStore> {
  if (/^http:/.test(recordings)) return await servedWeb(recordings);
  const store = openDirectory(recordings);
  return servedDirectory(store, await connect(store));
}
