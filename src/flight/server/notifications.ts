import { SmaltiError } from "../../error.ts";

/** A word about a sequence or topic. */
export interface Notification {
  name: string;
  notification_type: string;
  msg: string;
  created_datetime: string;
}

/** Of one sequence or topic; the oldest make room. */
const MOST = 1000;
const MAX_CHARACTERS = 65_536;

/** What was said about sequences and topics, by locator. Kept in memory: it ends with the server. */
export class Notifications {
  readonly #byLocator = new Map<string, Notification[]>();

  add(locator: string, type: string, msg: string): void {
    if (type !== "error") {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `notification_type is ${JSON.stringify(type)}: wanted "error"`,
      );
    }
    if (msg.length > MAX_CHARACTERS) {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `msg has ${msg.length} characters: wanted at most ${MAX_CHARACTERS}`,
      );
    }
    const list = this.#byLocator.get(locator) ?? [];
    this.#byLocator.set(locator, list);
    // The form of the daemon, down to the "UTC".
    const created = new Date().toISOString().replace("T", " ").replace("Z", " UTC");
    list.push({ name: locator, notification_type: type, msg, created_datetime: created });
    if (list.length > MOST) list.shift();
  }

  list(locator: string): Notification[] {
    return this.#byLocator.get(locator) ?? [];
  }

  purge(locator: string): void {
    this.#byLocator.delete(locator);
  }

  /** Forgets a sequence and its topics. */
  forget(sequence: string): void {
    for (const locator of this.#byLocator.keys()) {
      if (locator === sequence || locator.startsWith(`${sequence}/`)) this.#byLocator.delete(locator);
    }
  }
}
