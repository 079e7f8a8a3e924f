/**
 * Time that moves only when it is told to: timers, dates and `performance.now` of the whole program, for the length of
 * a case.
 *
 * @module
 */
import process from "node:process";
import * as timers from "node:timers";

const START = Date.UTC(2026, 0, 1);

interface Timer {
  at: number;
  order: number;
  run: () => void;
  every: number | undefined;
}

/** Timers whose time has come are run by {@linkcode VirtualTime.fire} alone. */
export class VirtualTime {
  /** Milliseconds since the start. */
  nowMs = 0;
  readonly #timers = new Map<number, Timer>();
  #made = 0;

  /** When the next timer is due, in milliseconds since the start; undefined where there is none. */
  get nextMs(): number | undefined {
    return this.#next()?.[1].at;
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Runs something after some time; gives what {@linkcode VirtualTime.cancel} takes. */
  after(ms: number, run: () => void, every?: number): number {
    const id = ++this.#made;
    const wait = ms > 0 ? Math.min(ms, 2 ** 31) : 0;
    this.#timers.set(id, { at: this.nowMs + wait, order: id, run, every });
    return id;
  }

  /** Forgets a timer. */
  cancel(id: unknown): void {
    this.#timers.delete(Number(id));
  }

  /** Moves on to the next timer and runs it. */
  fire(): void {
    const next = this.#next();
    if (!next) return;
    const [id, timer] = next;
    this.nowMs = Math.max(this.nowMs, timer.at);
    if (timer.every === undefined) this.#timers.delete(id);
    else {this.#timers.set(id, {
        ...timer,
        at: this.nowMs + timer.every,
        order: ++this.#made,
      });}
    timer.run();
  }

  /** Puts itself in the place of the real time; gives what puts that back. */
  install(): () => void {
    const {
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      Date: RealDate,
    } = globalThis;
    const { getBuiltinModule } = process;
    // Some runtimes have it on the object, some on its prototype.
    const ownNow = Object.getOwnPropertyDescriptor(performance, "now");
    const ms = () => START + this.nowMs;
    const VirtualDate = class extends RealDate {
      constructor(...parts: unknown[]) {
        super(...(parts.length === 0 ? [ms()] : parts) as [number]);
      }
      static override now = ms;
    };
    const set = (
      run: (...args: unknown[]) => void,
      wait = 0,
      ...args: unknown[]
    ) => this.after(wait, () => run(...args));
    const every = (
      run: (...args: unknown[]) => void,
      wait = 0,
      ...args: unknown[]
    ) => this.after(wait, () => run(...args), Math.max(1, wait));
    const cancel = (id: unknown) => this.cancel(id);
    const immediate = { setImmediate: (run: () => void) => this.after(0, run) };
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: cancel,
      setInterval: every,
      clearInterval: cancel,
      Date: VirtualDate,
    });
    performance.now = () => this.nowMs;
    // Turns of the event loop that the library takes are timers too, else their order would be the runtime's.
    process.getBuiltinModule =
      ((name: string) =>
        name === "node:timers" ? immediate : getBuiltinModule(name)) as typeof getBuiltinModule;
    return () => {
      Object.assign(globalThis, {
        setTimeout,
        clearTimeout,
        setInterval,
        clearInterval,
        Date: RealDate,
      });
      if (ownNow) Object.defineProperty(performance, "now", ownNow);
      else delete (performance as { now?: unknown }).now;
      process.getBuiltinModule = getBuiltinModule;
    };
  }

  #next(): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) {
      const [, { at, order }] = entry;
      if (
        !first || at < first[1].at ||
        (at === first[1].at && order < first[1].order)
      ) first = entry;
    }
    return first;
  }
}

const { setImmediate } = timers;

/** Resolves when all that can run without time or a store has run: a turn of the real event loop. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
