/**
 * A worker for a recording.
 *
 * @module
 */
import workerUrl from "../data/worker.ts?worker&url";
import { DataClient, type Endpoint } from "../data/client.ts";

/** Starts a worker and talks to it. */
export function createClient(): DataClient {
  return new DataClient(createWorker() as unknown as Endpoint);
}

function createWorker(): Worker {
  const options = { type: "module", name: "smalti" } as const;
  const url = new URL(workerUrl, import.meta.url);
  if (url.origin === globalThis.location.origin) return new Worker(url, options);
  // Where the component comes from another server than the page, a browser makes no worker of its script, but lets one of the
  // page's own import it.
  const text = `import ${JSON.stringify(url.href)};`;
  const own = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return new Worker(own, options);
  } finally {
    setTimeout(() => URL.revokeObjectURL(own), 10_000);
  }
}
