import type { Random } from "../support/random_cases.ts";
import { settled, VirtualTime } from "./virtual_time.ts";

/** Whose events they are: all of them may be held back for a while, as on a machine that is busy with others. */
export interface Owner {
  readonly name: string;
  /** Not picked before this step, unless there is nothing else. */
  stalledUntil: number;
  /** Its process has died: nothing of it goes on. */
  dead: boolean;
}

/** Something that can happen next. */
export interface Event {
  readonly owner: Owner;
  readonly label: string;
  run(): void;
  /** Runs instead when its owner dies before. */
  die?(): void;
}

/**
 * Decides what happens next, by the seed: an event, or the next timer when there is none. After each all that can run
 * does run, so that the same seed gives the same case.
 */
export class Scheduler {
  readonly random: Random;
  readonly time: VirtualTime = new VirtualTime();
  /** Steps so far. */
  step = 0;
  /** What happened, as lines; only where it is wanted. */
  readonly trace: string[] | undefined;
  /** A number that stands for all that happened. */
  hash = 0;
  /** Stalls so often; 0 for never. */
  stallRate = 0.03;
  /** Whether what others do may take its time. */
  isSlow = true;
  #ready: Event[] = [];
  /** Events whose time has not come. */
  readonly #delayed = new Set<Event>();

  constructor(random: Random, trace: string[] | undefined) {
    this.random = random;
    this.trace = trace;
  }

  /** Makes an event possible, after some time. */
  add(event: Event, delayMs = 0): void {
    if (event.owner.dead) return event.die?.();
    if (delayMs === 0) return void this.#ready.push(event);
    this.#delayed.add(event);
    this.time.after(delayMs, () => {
      if (this.#delayed.delete(event)) this.#ready.push(event);
    });
  }

  /** Notes what happened. */
  note(owner: string, text: string): void {
    this.trace?.push(`${this.step} ${this.time.nowMs} ms ${owner}: ${text}`);
  }

  /** Ends all that an owner was about to do. */
  kill(owners: ReadonlySet<Owner>): void {
    const dying = [...this.#ready, ...this.#delayed].filter(({ owner }) => owners.has(owner));
    for (const event of dying) this.#delayed.delete(event);
    this.#ready = this.#ready.filter(({ owner }) => !owners.has(owner));
    for (const owner of owners) owner.dead = true;
    for (const event of dying) event.die?.();
  }

  /** One step; false where nothing is left, or only what is due after `untilMs`. */
  async go(untilMs = Infinity): Promise<boolean> {
    this.step++;
    const event = this.#pick(untilMs);
    if (event) {
      this.hash = Math.imul(
        this.hash ^ event.label.length ^ this.#ready.length << 8,
        0x01000193,
      ) | 0;
      this.note(event.owner.name, event.label);
      event.run();
    } else {
      const { nextMs } = this.time;
      if (nextMs === undefined || nextMs > untilMs) return false;
      this.time.fire();
      this.hash = Math.imul(this.hash ^ this.time.nowMs, 0x01000193) | 0;
    }
    await settled();
    return true;
  }

  #pick(untilMs: number): Event | undefined {
    const { random } = this;
    const ready = this.#ready;
    if (ready.length === 0) return undefined;
    let at = random.below(ready.length);
    if (this.stallRate > 0 && random.below(1000) < this.stallRate * 1000) {
      ready[random.below(ready.length)].owner.stalledUntil = this.step + 1 +
        random.below(80);
    }
    for (let tries = 0; ready[at].owner.stalledUntil > this.step; tries++) {
      if (tries === 4) {
        // All are slow: time goes on.
        if ((this.time.nextMs ?? Infinity) < untilMs && random.below(2) === 0) {
          return undefined;
        }
        break;
      }
      at = random.below(ready.length);
    }
    const event = ready[at];
    ready[at] = ready[ready.length - 1];
    ready.pop();
    return event;
  }
}
