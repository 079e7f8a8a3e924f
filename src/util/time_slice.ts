import { builtin } from "./builtin.ts";
import { isBrowser } from "./is_browser.ts";

/** What is needed of `node:timers`. */
interface Timers {
  setImmediate?: (resolve: () => void) => unknown;
}

/**
 * How long work may hold the event loop before others get a turn, in milliseconds. Turns are also when a JavaScript engine
 * ends its garbage collections: with rare ones a fast replay's batches wait in memory, 320 MB in place of 250.
 */
const SLICE_MS = 2;
/** The same where a turn may take a timer, which waits up to 4 ms. */
const TIMER_SLICE_MS = 15;

/**
 * Cooperative scheduling of long work: between two steps the event loop gets a turn, once the work has held it for 2 ms (15 in
 * browsers). Promises that are resolved already do not give one: timers, signals and I/O wait until the queue of microtasks is empty.
 *
 * Several pieces of work may share one slice; then they have the loop together for so long.
 */
export class TimeSlice {
  readonly #ms: number = builtin<Timers>("node:timers").setImmediate ? SLICE_MS : TIMER_SLICE_MS;
  #start: number = performance.now();

  /** A promise that resolves after a turn of the event loop, where one is due; else undefined, which costs nothing to await. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#start < this.#ms ? undefined : this.#pause();
  }

  async #pause(): Promise<void> {
    await nextTurn();
    this.#start = performance.now();
  }
}

/** Resolves in a turn of the event loop of its own, when timers and I/O that are due have had theirs. */
export function nextTurn(): Promise<void> {
  const { setImmediate = turnByMessage } = builtin<Timers>("node:timers");
  return new Promise((resolve) => void setImmediate(resolve));
}

let turns: { resolvers: (() => void)[]; port: MessagePort } | undefined;

/** A timer takes its time where it is nested in others, in browsers 4 ms; a message to oneself does not. */
function turnByMessage(resolve: () => void): void {
  // Edge runtimes have channels too, which one request must not share with another.
  if (!isBrowser() || typeof MessageChannel === "undefined") return void setTimeout(resolve, 0);
  if (!turns) {
    const { port1, port2 } = new MessageChannel();
    const resolvers: (() => void)[] = [];
    port1.onmessage = () => resolvers.shift()!();
    turns = { resolvers, port: port2 };
  }
  turns.resolvers.push(resolve);
  turns.port.postMessage(null);
}
