import type { ServerResponse } from "node:http";
import { sendText } from "./content.ts";
import type { Change, StoreChanges } from "./store_changes.ts";

/** Streams at a time: a page has one or two, and a browser opens six connections. */
const MAX_STREAMS = 100;
/** Bytes that may wait for who does not read. */
const MAX_WAITING = 2 ** 20;
/** How often something is said, so that nothing on the way takes a stream for dead, in ms. */
const BEAT_MS = 15_000;
/** After how long a page is to try again where the stream ends, in ms. */
const RETRY_MS = 1000;

/** Tells pages of changes, by server-sent events (the HTML standard, section 9.2). */
export class EventStreams {
  readonly #changes: StoreChanges;
  /** What ends each. */
  readonly #open = new Set<() => void>();

  constructor(changes: StoreChanges) {
    this.#changes = changes;
  }

  /** Begins one. */
  begin(response: ServerResponse): void {
    if (this.#open.size >= MAX_STREAMS) {
      return sendText(response, 503, `Cannot tell of changes: ${MAX_STREAMS} are being told already`);
    }
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    const beat = setInterval(() => response.write(":\n\n"), BEAT_MS);
    const tell = (change: Change) => {
      if (response.writableLength > MAX_WAITING) end(); // nobody reads it
      else response.write(`data: ${JSON.stringify(change)}\n\n`);
    };
    // What changed before is not told: now it is time to look.
    const begin = () => response.write("event: ready\ndata: {}\n\n");
    const stopListening = this.#changes.listen(tell, begin);
    const end = () => {
      if (!this.#open.delete(end)) return;
      clearInterval(beat);
      stopListening();
      response.end();
    };
    this.#open.add(end);
    response.on("close", end).on("error", end);
  }

  /** Ends all. */
  close(): void {
    for (const end of [...this.#open]) end();
  }
}
