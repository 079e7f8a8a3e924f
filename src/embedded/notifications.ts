import { isNotFound, SmaltiError } from "../error.ts";
import { type FileReader, readAll, type Store } from "../store/store.ts";
import type { Notification, NotificationPlace } from "../types.ts";
import { filesOf, type Manifest } from "./manifest.ts";

/** Beside the manifest. No topic's path can be it: topic names hold no dots. */
const FILE = "sequence.notifications";
/** Its first line. Version 1 had none, and was one JSON object. */
const HEADER = '{"format":"smalti notifications","version":2}';
/** Of one sequence or topic; the oldest make room. */
const MOST = 1000;
/** Characters of all of a sequence's: its file stays far below what is read of one at once. */
const MOST_CHARACTERS = 8 * 2 ** 20;
/** A file that has grown by so many bytes, and to twice of what it was, is looked at for what may go. */
const TRIM_BYTES = 64 * 1024;
const LINE_FEED = 10;

/**
 * What was said about the sequences of a store and their topics: a file in each sequence's directory, to which a line of JSON
 * is added for each notification. Changes of one sequence's are made one after another by the caller.
 */
export class Notifications {
  readonly #files: FileReader;
  readonly #readManifest: (sequence: string) => Promise<Manifest>;
  /** Bytes of files after what had to go was gone. */
  readonly #trimmed = new Map<string, number>();

  constructor(files: FileReader, readManifest: (sequence: string) => Promise<Manifest>) {
    this.#files = files;
    this.#readManifest = readManifest;
  }

  /** Those of a place, in the order they came. NOT_FOUND, CORRUPT. */
  async list(place: NotificationPlace): Promise<Notification[]> {
    const { sequence } = place;
    const all = await this.#read(sequence, await this.#path(sequence));
    return newest(all).filter((notification) => isAt(place, notification));
  }

  /** Adds one, durably. NOT_FOUND. */
  async add(store: Store, place: NotificationPlace, message: string): Promise<void> {
    const { sequence } = place;
    const path = await this.#path(sequence);
    const added: Notification = { ...place, type: "error", message, created: new Date() };
    if (await this.#mayGrow(path)) {
      await store.append(path, encode(lineOf(added)));
      await store.sync(path);
    } else {
      await this.#write(store, path, [...await this.#read(sequence, path), added]);
    }
  }

  /** Forgets those of a place. NOT_FOUND. */
  async clear(store: Store, place: NotificationPlace): Promise<void> {
    const path = await this.#path(place.sequence);
    const all = await this.#read(place.sequence, path);
    const kept = all.filter((notification) => !isAt(place, notification));
    if (kept.length < all.length) await this.#write(store, path, kept);
  }

  async #path(sequence: string): Promise<string> {
    return `${filesOf(await this.#readManifest(sequence))}/${FILE}`;
  }

  /** Whether a line may be added: the file is there, of this version, ends with a whole line, and has not grown much. */
  async #mayGrow(path: string): Promise<boolean> {
    const size = await this.#files.size(path).catch((reason) => {
      if (isNotFound(reason)) return 0;
      throw reason;
    });
    if (size === 0 || size > 2 * (this.#trimmed.get(path) ?? 0) + TRIM_BYTES) return false;
    const [head, last] = await Promise.all([
      this.#files.read(path, 0, HEADER.length),
      this.#files.read(path, size - 1, 1),
    ]);
    return last[0] === LINE_FEED && new TextDecoder().decode(head) === HEADER;
  }

  async #write(store: Store, path: string, all: readonly Notification[]): Promise<void> {
    const bytes = encode([`${HEADER}\n`, ...newest(all).map(lineOf)].join(""));
    await store.replace(path, bytes);
    this.#trimmed.set(path, bytes.length);
  }

  async #read(sequence: string, file: string): Promise<Notification[]> {
    let bytes: Uint8Array;
    try {
      bytes = await readAll(this.#files, file);
    } catch (reason) {
      if (isNotFound(reason)) return [];
      throw reason;
    }
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, wholeBytes(bytes)));
      const items = text.startsWith(HEADER)
        ? text.split("\n").slice(1, -1).map((line) => JSON.parse(line))
        : JSON.parse(text).notifications as unknown[];
      return items.map((item) => notificationOf(sequence, item as Partial<Notification>));
    } catch (cause) {
      throw new SmaltiError("CORRUPT", "Cannot read notifications", { sequence, file, cause });
    }
  }
}

/** Bytes up to the end of the last whole line: of one that was cut off nobody was told that it is there. Version 1 has one line. */
function wholeBytes(bytes: Uint8Array): number {
  const end = bytes.lastIndexOf(LINE_FEED) + 1;
  return end === 0 ? bytes.length : end;
}

/** The newest of each place, as far as there is room, in the order they came. */
function newest(all: readonly Notification[]): Notification[] {
  const counts = new Map<string | undefined, number>();
  let characters = 0;
  return all.toReversed().filter(({ topic, message }) => {
    const count = (counts.get(topic) ?? 0) + 1;
    counts.set(topic, count);
    characters += message.length;
    return count <= MOST && (characters <= MOST_CHARACTERS || characters === message.length);
  }).reverse();
}

function lineOf({ sequence: _, ...rest }: Notification): string {
  return `${JSON.stringify(rest)}\n`;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function isAt({ topic }: NotificationPlace, notification: Notification): boolean {
  return notification.topic === topic;
}

function notificationOf(sequence: string, { topic, message, created }: Partial<Notification>): Notification {
  const date = new Date(created!);
  if (typeof message !== "string" || Number.isNaN(date.getTime())) throw new TypeError("not a notification");
  if (topic !== undefined && typeof topic !== "string") throw new TypeError("not a topic");
  return { sequence, ...(topic !== undefined && { topic }), type: "error", message, created: date };
}
