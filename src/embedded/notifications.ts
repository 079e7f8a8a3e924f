import { SmaltiError } from "../error.ts";
import { readAll, type Store } from "../store/store.ts";
import type { Notification, Place } from "../types.ts";

/** Beside the manifest. No topic's path can be it: topic names hold no dots. */
const FILE = "sequence.notifications";
/** Of one sequence or topic; the oldest make room. */
const MOST = 1000;

/** What was said about the sequences of a store and their topics: a file in each sequence's directory. */
export class Notifications {
  readonly #store: Store;
  readonly #check: (sequence: string) => Promise<unknown>;
  /** Changes of a sequence's file, one after another. */
  readonly #last = new Map<string, Promise<void>>();

  /** `check` rejects where a sequence is not there. */
  constructor(store: Store, check: (sequence: string) => Promise<unknown>) {
    this.#store = store;
    this.#check = check;
  }

  /** Those of a place, in the order they came. NOT_FOUND, CORRUPT. */
  async list(place: Place): Promise<Notification[]> {
    await this.#check(place.sequence);
    return (await this.#read(place.sequence)).filter((notification) => isAt(place, notification));
  }

  async add(place: Place, message: string): Promise<void> {
    await this.#change(place.sequence, (all) => {
      const own = all.filter((notification) => isAt(place, notification));
      const oldest = own.length >= MOST ? own[0] : undefined;
      const added = { ...place, type: "error", message, created: new Date() } as const;
      return [...all.filter((notification) => notification !== oldest), added];
    });
  }

  async clear(place: Place): Promise<void> {
    await this.#change(place.sequence, (all) => all.filter((notification) => !isAt(place, notification)));
  }

  async #change(sequence: string, change: (all: Notification[]) => Notification[]): Promise<void> {
    const before = this.#last.get(sequence) ?? Promise.resolve();
    const done = before.catch(() => {}).then(async () => {
      // Only when it is its turn: of two checks made before, the second might be the first to answer.
      await this.#check(sequence);
      const all = await this.#read(sequence);
      const changed = change(all);
      if (changed.length === 0 && all.length === 0) return;
      const text = JSON.stringify({ notifications: changed.map(({ sequence: _, ...rest }) => rest) });
      await this.#store.replace(`${sequence}/${FILE}`, new TextEncoder().encode(text));
    });
    this.#last.set(sequence, done);
    try {
      await done;
    } finally {
      if (this.#last.get(sequence) === done) this.#last.delete(sequence);
    }
  }

  async #read(sequence: string): Promise<Notification[]> {
    const file = `${sequence}/${FILE}`;
    let bytes: Uint8Array;
    try {
      bytes = await readAll(this.#store, file);
    } catch (reason) {
      if (reason instanceof SmaltiError && reason.code === "NOT_FOUND") return [];
      throw reason;
    }
    try {
      const { notifications } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      return (notifications as unknown[]).map((item) =>
        notificationOf(sequence, item as Partial<Notification>)
      );
    } catch (cause) {
      throw new SmaltiError("CORRUPT", "Cannot read notifications", { sequence, file, cause });
    }
  }
}

function isAt({ topic }: Place, notification: Notification): boolean {
  return notification.topic === topic;
}

function notificationOf(sequence: string, { topic, message, created }: Partial<Notification>): Notification {
  const date = new Date(created!);
  if (typeof message !== "string" || Number.isNaN(date.getTime())) throw new TypeError("not a notification");
  if (topic !== undefined && typeof topic !== "string") throw new TypeError("not a topic");
  return { sequence, ...(topic !== undefined && { topic }), type: "error", message, created: date };
}
