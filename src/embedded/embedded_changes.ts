/**
 * What changes recordings in files: who only reads them never loads it.
 *
 * @module
 */
import type { SequenceSink } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { type ErrorCode, isNotFound, SmaltiError } from "../error.ts";
import {
  type FileReader,
  readAll,
  type Store,
  type StoreLease,
  unchanging,
  writable,
} from "../store/store.ts";
import type {
  CompactReport,
  CopyOptions,
  CopyReport,
  Metadata,
  Notification,
  NotificationPlace,
  RecoverOptions,
  RecoverReport,
  SessionInfo,
} from "../types.ts";
import { Turns } from "../util/turns.ts";
import {
  decodeManifest,
  encodeManifest,
  filesOf,
  identityOf,
  MANIFEST,
  type Manifest,
  newDirectory,
} from "./manifest.ts";
import {
  type KnownManifest,
  ManifestReader,
  notFound,
  type Place,
  stillRecording,
} from "./manifest_reader.ts";
import { placeOf } from "./places.ts";
import { EmbeddedSink, newSession } from "./embedded_sink.ts";
import { LIVE, type LiveState, readLive } from "./live_state.ts";
import { Notifications } from "./notifications.ts";
import { OpenSequence } from "./open_sequence.ts";
import { removeReplaced } from "./replace_sequence.ts";
import { endSessionRemoval, withoutSession } from "./remove_session.ts";
import { endRemoval, isHalfRemoved, LOCK, removeSequence } from "./remove_sequence.ts";

/** Creates, extends, removes, mends and copies the sequences of one place, as the backend promises of each. */
export class EmbeddedChanges {
  readonly #engine: Engine;
  readonly #files: FileReader;
  readonly #manifests: ManifestReader;
  readonly #notifications: Notifications;
  /** Sequences that are written from here. */
  readonly #open = new Map<string, OpenSequence>();
  readonly #turns = new Map<string, Turns>();

  /** @param files A `Store`, or what can only be read, where all of it is UNSUPPORTED but the list of notifications. */
  constructor(files: FileReader, engine: Engine) {
    this.#files = files;
    this.#engine = engine;
    this.#manifests = new ManifestReader(files);
    this.#notifications = new Notifications(files, (name) => this.#manifests.read(name));
  }

  createSequence(
    name: string,
    metadata: Metadata,
    ifExists: "error" | "replace" = "error",
  ): Promise<SequenceSink> {
    return this.#change("create", name, async (store) => {
      const session = newSession();
      const place = await placeOf(store, name);
      const manifest: Manifest = {
        name,
        place,
        id: crypto.randomUUID(),
        state: "recording",
        metadata,
        created: session.created,
        sessions: [session],
        topics: [],
        attachments: [],
      };
      // Before the lock too: a taken name needs no lock to be refused, and says more than LOCKED.
      if (ifExists === "error") await this.#refuseTaken(manifest);
      const open = this.#open.get(name);
      if (open && !open.isOpen) await open.closed;
      return await this.#begin(store, manifest, session, async () => {
        const replaced = ifExists === "replace" ? await this.#readStored(place) : undefined;
        if (replaced) return { manifest: { ...manifest, directory: newDirectory() }, replaced };
        await this.#refuseTaken(manifest);
        // Else its topics would keep their names from the new ones, and a recovery would bring them back.
        await endRemoval(store, place);
        try {
          await store.commit(`${place}/${MANIFEST}`, encodeManifest(manifest));
        } catch (reason) {
          // It may be there although that failed.
          await removeSequence(store, place).catch(() => {});
          throw reason;
        }
        return { manifest };
      });
    });
  }

  updateSequence(name: string): Promise<SequenceSink> {
    return this.#change("write", name, async (store) => {
      const session = newSession();
      const open = this.#open.get(name);
      if (open?.isReplacing && open.isOpen) throw beingReplaced(name);
      if (open?.isOpen) {
        const sink = new EmbeddedSink(store, this.#engine, open, session);
        await open.join(sink);
        return sink;
      }
      await open?.closed;
      const found = await this.#manifests.read(name);
      await this.#manifests.refuseRecording(found);
      return await this.#begin(store, found, session, async () => {
        const manifest = await this.#readEnded(found);
        // Else followers would take this session for one that replaces the sequence.
        await removeReplaced(store, manifest, { ifPossible: true });
        return { manifest: await endSessionRemoval(store, manifest) };
      });
    });
  }

  /** The first session of a sequence that is open, under its lock; `prepare` gives the manifest, and that of one to replace. */
  async #begin(
    store: Store,
    at: Place,
    session: SessionInfo,
    prepare: () => Promise<{ manifest: Manifest; replaced?: Uint8Array }>,
  ): Promise<SequenceSink> {
    const { name } = at;
    const lease = await this.#lock(store, at);
    let open: OpenSequence;
    try {
      const { manifest, replaced } = await prepare();
      open = new OpenSequence(store, manifest, lease, replaced);
    } catch (reason) {
      await lease.release();
      throw reason;
    }
    const sink = new EmbeddedSink(store, this.#engine, open, session);
    this.#open.set(name, open);
    open.closed.then(() => {
      if (this.#open.get(name) === open) this.#open.delete(name);
    });
    await open.join(sink);
    return sink;
  }

  deleteSequence(name: string): Promise<void> {
    return this.#change("delete", name, async (store) => {
      const at = { name, place: await placeOf(store, name) };
      await this.#refuseGone(at);
      // What a link leads to is another's to remove.
      if (await store.isLink?.(at.place)) return await this.#removeLink(store, at);
      await this.#locked(store, at, async () => {
        // Another process may have removed it since.
        await this.#refuseGone(at);
        await removeSequence(store, at.place);
      });
    });
  }

  deleteSession(name: string, id: string): Promise<void> {
    return this.#change(`delete session "${id}" of`, name, async (store) => {
      const open = this.#open.get(name);
      if (open?.isReplacing && open.isOpen) throw beingReplaced(name);
      if (open?.isOpen) return await open.removeEnded(id);
      await open?.closed;
      const found = await this.#manifests.read(name);
      await this.#manifests.refuseRecording(found);
      withoutSession(found, id); // before the lock too: what is not there needs none to be refused
      await this.#locked(store, found, async () => {
        const manifest = withoutSession(await endSessionRemoval(store, await this.#readEnded(found)), id);
        await store.commit(`${found.place}/${MANIFEST}`, encodeManifest(manifest));
        // It is committed: what cannot be removed now, who takes the lock next removes.
        await endSessionRemoval(store, manifest).catch(() => {});
      });
    });
  }

  recoverSequence(name: string, options?: RecoverOptions): Promise<RecoverReport> {
    return this.#change("recover", name, async (store) => {
      const { recoverSequence } = await import("./recover_sequence.ts");
      const at = await this.#manifests.read(name);
      let lease: StoreLease;
      let live: LiveState | undefined;
      try {
        lease = await this.#lock(store, at);
      } catch (reason) {
        const { code } = reason as { code?: ErrorCode };
        if (code !== "PERMISSION_DENIED" && code !== "NO_SPACE") throw reason;
        await this.#refuseHeld(store, "recover", at);
        if (code === "PERMISSION_DENIED") {
          // Where nothing is to be changed, nobody needs the right to.
          const files = unchanging(store, reason as SmaltiError);
          return await recoverSequence(files, this.#engine, await this.#manifests.readAt(at), options);
        }
        // In the room of the last checkpoint, which is of use to followers alone. One of a writer that came meanwhile is
        // followed by others.
        live = await readLive(store, at).catch(() => undefined);
        await store.remove(`${filesOf(at)}/${LIVE}`);
        lease = await this.#lock(store, at);
      }
      try {
        return await recoverSequence(store, this.#engine, await this.#manifests.readAt(at), options, live);
      } finally {
        await lease.release();
      }
    });
  }

  compactSequence(name: string): Promise<CompactReport> {
    return this.#change("compact", name, async (store) => {
      const { compactSequence } = await import("./compact_sequence.ts");
      const at = await this.#manifests.read(name);
      await this.#manifests.refuseRecording(at);
      return await this.#locked(
        store,
        at,
        async () => {
          const manifest = await this.#readEnded(at);
          await removeReplaced(store, manifest, { ifPossible: true });
          return await compactSequence(store, this.#engine, await endSessionRemoval(store, manifest));
        },
      );
    });
  }

  async copySequence(name: string, to: EmbeddedChanges, options: CopyOptions): Promise<CopyReport> {
    const known: KnownManifest = {};
    const manifest = await this.#manifests.read(name, known);
    const text = known.file!.bytes;
    await this.#manifests.refuseRecording(manifest);
    return await to.#change("copy", name, async (store) => {
      const { copySequence } = await import("./copy_sequence.ts");
      const at = { name, place: await placeOf(store, name) };
      await to.#open.get(name)?.closed;
      await to.#hasCopy(at, manifest);
      return await to.#locked(store, at, async () => {
        const isThere = await to.#hasCopy(at, manifest);
        const where = { from: this.#files, manifest, text, to: store, place: at.place, isThere };
        return await copySequence({ ...where, engine: this.#engine, options });
      });
    });
  }

  listNotifications(place: NotificationPlace): Promise<Notification[]> {
    return this.#notifications.list(place);
  }

  notify(place: NotificationPlace, message: string): Promise<void> {
    return this.#change("note down what happened to", place.sequence, (store) => {
      return this.#notifications.add(store, place, message);
    });
  }

  clearNotifications(place: NotificationPlace): Promise<void> {
    return this.#change("clear the notifications of", place.sequence, (store) => {
      return this.#notifications.clear(store, place);
    });
  }

  /** Waits for what is under way: a removal or recovery needs its lock to its end. */
  async settle(): Promise<void> {
    await Promise.all([...this.#turns.values()].map((turns) => turns.take(() => Promise.resolve())));
  }

  /**
   * What changes a sequence as a whole is done one after another: no removal ends while something else is put into it.
   * UNSUPPORTED where the files can only be read.
   */
  async #change<R>(verb: string, name: string, action: (store: Store) => Promise<R>): Promise<R> {
    const store = writable(this.#files, `${verb} sequence "${name}"`);
    let turns = this.#turns.get(name);
    if (!turns) this.#turns.set(name, turns = new Turns());
    try {
      return await turns.take(() => action(store));
    } finally {
      if (turns.isIdle) this.#turns.delete(name);
    }
  }

  /** Without the lock, which is where the link leads to: that may be read only. */
  async #removeLink(store: Store, at: Place): Promise<void> {
    await this.#refuseHeld(store, "delete", at);
    await store.remove(at.place);
  }

  async #refuseHeld(store: Store, verb: string, { name, place }: Place): Promise<void> {
    const holder = await store.lockedBy(`${place}/${LOCK}`);
    if (holder === undefined) return;
    const text = `Cannot ${verb} sequence "${name}": held by ${holder}`;
    throw new SmaltiError("LOCKED", text, { sequence: name });
  }

  async #locked<R>(store: Store, at: Place, action: () => Promise<R>): Promise<R> {
    const lease = await this.#lock(store, at);
    try {
      return await action();
    } finally {
      await lease.release();
    }
  }

  async #lock(store: Store, { name, place }: Place): Promise<StoreLease> {
    try {
      return await store.lock(`${place}/${LOCK}`);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence: name }) : reason;
    }
  }

  /** The manifest of a sequence whose lock is held here: LOCKED where a writer that is gone did not end it. */
  async #readEnded(at: Place): Promise<Manifest> {
    const manifest = await this.#manifests.readAt(at);
    if (manifest.state === "recording") throw stillRecording(at.name, undefined);
    return manifest;
  }

  /** The manifest as it is stored, whatever is in it; undefined where there is none. */
  async #readStored(place: string): Promise<Uint8Array | undefined> {
    try {
      return await readAll(this.#files, `${place}/${MANIFEST}`);
    } catch (reason) {
      if (isNotFound(reason)) return undefined;
      throw reason;
    }
  }

  async #refuseTaken({ name, place }: Place): Promise<void> {
    try {
      await this.#files.size(`${place}/${MANIFEST}`);
    } catch (reason) {
      if (isNotFound(reason)) return;
      throw reason;
    }
    const text = `Cannot create sequence "${name}": it is there; wanted a new name, or ifExists: "replace"`;
    throw new SmaltiError("ALREADY_EXISTS", text, { sequence: name });
  }

  /** Whether there is a copy of another place's sequence as it is now; ALREADY_EXISTS where there is another sequence. */
  async #hasCopy({ name, place }: Place, manifest: Manifest): Promise<boolean> {
    const found = await this.#readStored(place);
    if (!found) return false;
    const there = decodeManifest(found, name, place);
    const rowsOf = ({ topics }: Manifest) => topics.map(({ name, rowCount }) => `${name} ${rowCount}`).join();
    if (identityOf(there) === identityOf(manifest) && rowsOf(there) === rowsOf(manifest)) return true;
    const text = `Cannot copy sequence "${name}" to ${this.#files.url}: another is there by that name`;
    throw new SmaltiError("ALREADY_EXISTS", text, { sequence: name });
  }

  /** A damaged manifest does not keep a sequence from being removed, nor does a removal that was cut short. */
  async #refuseGone({ name, place }: Place): Promise<void> {
    await this.#files.size(`${place}/${MANIFEST}`).catch(async (reason) => {
      if (!isNotFound(reason)) throw reason;
      if (!await isHalfRemoved(this.#files, place)) throw notFound(name, reason);
    });
  }
}

function beingReplaced(name: string): SmaltiError {
  const text = `Sequence "${name}" is being replaced by this client: wanted that finalized or aborted`;
  return new SmaltiError("LOCKED", text, { sequence: name });
}
