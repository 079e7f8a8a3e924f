/**
 * Which sequences of a directory change, found out by looking: that works on every file system, over a network too.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { partOf } from "../../embedded/file_names.ts";
import { LIVE } from "../../embedded/live_state.ts";
import { decodeManifest, filesOf, MANIFEST, type Manifest } from "../../embedded/manifest.ts";
import { LOCK } from "../../embedded/remove_sequence.ts";
import { SmaltiError } from "../../error.ts";
import { isSequenceName } from "../../names.ts";
import { readAll, type Store } from "../../store/store.ts";
import { mapLimited } from "../../util/map_limited.ts";
import { pause } from "../../util/pause.ts";

/** How often sequences that are written are looked at, in ms. */
const LOOK_MS = 200;
/** Of so many looks one is at all sequences, and at whether their writers live. */
const LOOKS = 8;
const FILES_AT_A_TIME = 16;

/** What changed: of a sequence that was removed only its names are told. */
export interface Change {
  readonly sequence: string;
  readonly directory: string;
  readonly state: string;
  /** Whether who writes lives; undefined where nobody writes. */
  readonly writer?: "alive" | "gone";
}

interface Seen {
  /** Which manifest was read. */
  readonly manifestTag: string;
  readonly manifest: Pick<Manifest, "name" | "place" | "directory"> & { readonly state: string };
  readonly liveTag: string | undefined;
  readonly writer: "alive" | "gone" | undefined;
}

/** Looks at a store while somebody listens. */
export class StoreChanges {
  readonly #store: Store;
  readonly #root: string;
  readonly #listeners = new Set<(change: Change) => void>();
  /** Resolves after the first look. */
  #begun: Promise<void> = Promise.resolve();
  #seen = new Map<string, Seen>();
  #stop: AbortController | undefined;

  /** @param root The store's directory. */
  constructor(store: Store, root: string) {
    this.#store = store;
    this.#root = root;
  }

  /** Hears of changes until the function that is returned is called; of all after `onBegin`. */
  listen(listener: (change: Change) => void, onBegin: () => void): () => void {
    this.#listeners.add(listener);
    if (!this.#stop) {
      const { signal } = this.#stop = new AbortController();
      this.#seen.clear();
      this.#begun = new Promise((resolve) => {
        this.#watch(signal, resolve).catch(() => {}); // stopped
      });
    }
    this.#begun.then(() => {
      if (this.#listeners.has(listener)) onBegin();
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = undefined;
    };
  }

  async #watch(signal: AbortSignal, onBegin: () => void): Promise<void> {
    for (let look = 0;; look++) {
      const isWhole = look % LOOKS === 0;
      // What cannot be looked at now, as a directory that is gone, may be there the next time.
      const places = isWhole ? await this.#places().catch(() => []) : this.#active();
      const seen = await mapLimited(places, FILES_AT_A_TIME, async (place) => {
        const now = await this.#look(place, isWhole).catch(() => undefined);
        return [place, now] as const;
      });
      if (signal.aborted) return;
      const isFirst = look === 0;
      for (const [place, now] of seen) this.#take(place, now, isFirst);
      if (isWhole) {
        for (const place of [...this.#seen.keys()]) {
          if (!places.includes(place)) this.#take(place, undefined, isFirst);
        }
      }
      if (isFirst) onBegin();
      await pause(LOOK_MS, signal);
    }
  }

  async #places(): Promise<string[]> {
    return (await this.#store.list("")).filter((place) => isSequenceName(partOf(place) ?? ""));
  }

  /** Sequences that are written, as far as is known. */
  #active(): string[] {
    return [...this.#seen].filter(([, { manifest: { state }, liveTag }]) =>
      state === "recording" || liveTag !== undefined
    ).map(([place]) => place);
  }

  #take(place: string, now: Seen | undefined, isFirst: boolean): void {
    const before = this.#seen.get(place);
    if (now) this.#seen.set(place, now);
    else this.#seen.delete(place);
    const isSame = before?.manifestTag === now?.manifestTag && before?.liveTag === now?.liveTag &&
      before?.writer === now?.writer;
    if (isSame || isFirst) return;
    const sequence = partOf(place)!;
    const change: Change = now
      ? { sequence, directory: place, state: now.manifest.state, ...(now.writer && { writer: now.writer }) }
      : { sequence, directory: place, state: "removed" };
    for (const listener of this.#listeners) listener(change);
  }

  /** Undefined where there is no sequence. */
  async #look(place: string, isWhole: boolean): Promise<Seen | undefined> {
    const manifestTag = await this.#tag(`${place}/${MANIFEST}`);
    if (manifestTag === undefined) return undefined;
    const before = this.#seen.get(place);
    const manifest = before?.manifestTag === manifestTag ? before.manifest : await this.#manifest(place);
    const liveTag = await this.#tag(`${filesOf(manifest)}/${LIVE}`);
    const isWritten = manifest.state === "recording" || liveTag !== undefined;
    let writer = isWritten ? before?.writer : undefined;
    if (isWritten && (isWhole || writer === undefined)) {
      writer = await this.#store.lockedBy(`${place}/${LOCK}`) === undefined ? "gone" : "alive";
    }
    return { manifestTag, manifest, liveTag, writer };
  }

  async #manifest(place: string): Promise<Seen["manifest"]> {
    const name = partOf(place)!;
    try {
      return decodeManifest(await readAll(this.#store, `${place}/${MANIFEST}`), name, place);
    } catch (reason) {
      if (reason instanceof SmaltiError && reason.code !== "NOT_FOUND") {
        return { name, place, state: "damaged" };
      }
      throw reason;
    }
  }

  /** What tells a file from another that comes to its path; undefined where there is none. */
  async #tag(path: string): Promise<string | undefined> {
    try {
      const { ino, size, mtimeNs } = await stat(join(this.#root, path), { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch {
      return undefined;
    }
  }
}
