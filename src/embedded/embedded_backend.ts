import type { Backend, Follower, SequenceSink, SequenceSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { compareNames, isSequenceName } from "../names.ts";
import {
  type Durability,
  type FileReader,
  readAll,
  type Store,
  type StoreLease,
  writable,
} from "../store/store.ts";
import type {
  AttachmentInfo,
  CompactReport,
  Metadata,
  Notification,
  NotificationPlace,
  RecoverReport,
  SequenceInfo,
  SessionInfo,
  StoreInfo,
} from "../types.ts";
import { Turns } from "../util/turns.ts";
import { VERSION } from "../version.ts";
import {
  decodeManifest,
  encodeManifest,
  filesOf,
  MANIFEST,
  type Manifest,
  newDirectory,
  type StoredAttachment,
  topicPath,
} from "./manifest.ts";
import { compactSequence } from "./compact_sequence.ts";
import { EmbeddedSink, newSession } from "./embedded_sink.ts";
import { EmbeddedFollower } from "./live.ts";
import { withLive } from "./live_info.ts";
import { Notifications } from "./notifications.ts";
import { OpenSequence } from "./open_sequence.ts";
import { recoverSequence } from "./recover_sequence.ts";
import { removeReplaced } from "./replace_sequence.ts";
import { endSessionRemoval, withoutSession } from "./remove_session.ts";
import { endRemoval, isHalfRemoved, LOCK, removeSequence } from "./remove_sequence.ts";
import { TopicFileReader } from "./topic_file_reader.ts";

/**
 * Recordings as files: a directory for each sequence with `sequence.json` and one Arrow IPC file a topic. The manifest is
 * written at creation and at commit only. Where the files can only be read, so can the recordings.
 */
export class EmbeddedBackend implements Backend {
  readonly engine: Engine;
  readonly storeUrl: string;
  readonly #files: FileReader;
  readonly #notifications: Notifications;
  /** Sequences that are written from here. */
  readonly #open = new Map<string, OpenSequence>();
  readonly #turns = new Map<string, Turns>();

  /** @param files A `Store`, or what can only be read. They are closed with the backend. */
  constructor(files: FileReader, engine: Engine) {
    this.#files = files;
    this.storeUrl = files.url;
    this.#notifications = new Notifications(files, (name) => this.#readManifest(name));
    this.engine = engine;
  }

  get durability(): Durability {
    return (this.#files as Partial<Store>).durability ?? "sync";
  }

  info(): Promise<StoreInfo> {
    return Promise.resolve({ version: VERSION });
  }

  async listSequences(): Promise<string[]> {
    return (await this.#files.list("")).filter(isSequenceName).sort(compareNames);
  }

  async readInfo(name: string, { live = false }: { live?: boolean } = {}): Promise<SequenceInfo> {
    const manifest = await this.#readManifest(name);
    return live ? await this.#withLive(manifest) : manifest;
  }

  #withLive(manifest: Manifest): Promise<SequenceInfo> {
    return withLive(this.#files, this.engine, manifest, () => this.#readManifest(manifest.name));
  }

  createSequence(
    name: string,
    metadata: Metadata,
    ifExists: "error" | "replace" = "error",
  ): Promise<SequenceSink> {
    return this.#change("create", name, async (store) => {
      const session = newSession();
      const manifest: Manifest = {
        name,
        id: crypto.randomUUID(),
        state: "recording",
        metadata,
        created: session.created,
        sessions: [session],
        topics: [],
        attachments: [],
      };
      // Before the lock too: a taken name needs no lock to be refused, and says more than LOCKED.
      if (ifExists === "error") await this.#refuseTaken(name);
      const open = this.#open.get(name);
      if (open && !open.isOpen) await open.closed;
      return await this.#begin(store, name, session, async () => {
        const replaced = ifExists === "replace" ? await this.#readStored(name) : undefined;
        if (replaced) return { manifest: { ...manifest, directory: newDirectory() }, replaced };
        await this.#refuseTaken(name);
        // Else its topics would keep their names from the new ones, and a recovery would bring them back.
        await endRemoval(store, name);
        try {
          await store.commit(`${name}/${MANIFEST}`, encodeManifest(manifest));
        } catch (reason) {
          // It may be there although that failed.
          await removeSequence(store, name).catch(() => {});
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
        const sink = new EmbeddedSink(store, this.engine, open, session);
        await open.join(sink);
        return sink;
      }
      await open?.closed;
      await this.#refuseRecording(await this.#readManifest(name));
      return await this.#begin(store, name, session, async () => {
        const manifest = await this.#readEnded(name);
        // Else followers would take this session for one that replaces the sequence.
        await removeReplaced(store, manifest, { ifPossible: true });
        return { manifest: await endSessionRemoval(store, manifest) };
      });
    });
  }

  /** The first session of a sequence that is open, under its lock; `prepare` gives the manifest, and that of one to replace. */
  async #begin(
    store: Store,
    name: string,
    session: SessionInfo,
    prepare: () => Promise<{ manifest: Manifest; replaced?: Uint8Array }>,
  ): Promise<SequenceSink> {
    const lease = await this.#lock(store, name);
    let open: OpenSequence;
    try {
      const { manifest, replaced } = await prepare();
      open = new OpenSequence(store, manifest, lease, replaced);
    } catch (reason) {
      await lease.release();
      throw reason;
    }
    const sink = new EmbeddedSink(store, this.engine, open, session);
    this.#open.set(name, open);
    open.closed.then(() => {
      if (this.#open.get(name) === open) this.#open.delete(name);
    });
    await open.join(sink);
    return sink;
  }

  async openSequence(name: string, options: { follow?: boolean } = {}): Promise<SequenceSource> {
    const manifest = await this.#readManifest(name);
    if (!options.follow) await this.#refuseRecording(manifest);
    const info = options.follow ? await this.#withLive(manifest) : manifest;
    return new EmbeddedSource(this.#files, this.engine, info, manifest, () => this.#readManifest(name));
  }

  deleteSequence(name: string): Promise<void> {
    return this.#change("delete", name, async (store) => {
      await this.#refuseGone(name);
      await this.#locked(store, name, async () => {
        // Another process may have removed it since.
        await this.#refuseGone(name);
        await removeSequence(store, name);
      });
    });
  }

  deleteSession(name: string, id: string): Promise<void> {
    return this.#change(`delete session "${id}" of`, name, async (store) => {
      const open = this.#open.get(name);
      if (open?.isReplacing && open.isOpen) throw beingReplaced(name);
      if (open?.isOpen) return await open.removeEnded(id);
      await open?.closed;
      const found = await this.#readManifest(name);
      await this.#refuseRecording(found);
      withoutSession(found, id); // before the lock too: what is not there needs none to be refused
      await this.#locked(store, name, async () => {
        const manifest = withoutSession(await endSessionRemoval(store, await this.#readEnded(name)), id);
        await store.commit(`${name}/${MANIFEST}`, encodeManifest(manifest));
        // It is committed: what cannot be removed now, who takes the lock next removes.
        await endSessionRemoval(store, manifest).catch(() => {});
      });
    });
  }

  recoverSequence(name: string): Promise<RecoverReport> {
    return this.#change("recover", name, async (store) => {
      await this.#readManifest(name);
      return await this.#locked(
        store,
        name,
        async () => await recoverSequence(store, this.engine, await this.#readManifest(name)),
      );
    });
  }

  compactSequence(name: string): Promise<CompactReport> {
    return this.#change("compact", name, async (store) => {
      await this.#refuseRecording(await this.#readManifest(name));
      return await this.#locked(
        store,
        name,
        async () => {
          const manifest = await this.#readEnded(name);
          await removeReplaced(store, manifest, { ifPossible: true });
          return await compactSequence(store, this.engine, await endSessionRemoval(store, manifest));
        },
      );
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

  async close(): Promise<void> {
    // A removal or recovery that is under way needs its lock to its end.
    await Promise.all([...this.#turns.values()].map((turns) => turns.take(() => Promise.resolve())));
    await this.#files.close();
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

  async #locked<R>(store: Store, name: string, action: () => Promise<R>): Promise<R> {
    const lease = await this.#lock(store, name);
    try {
      return await action();
    } finally {
      await lease.release();
    }
  }

  async #lock(store: Store, name: string): Promise<StoreLease> {
    try {
      return await store.lock(`${name}/${LOCK}`);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence: name }) : reason;
    }
  }

  async #readManifest(name: string): Promise<Manifest> {
    try {
      return decodeManifest(await readAll(this.#files, `${name}/${MANIFEST}`), name);
    } catch (reason) {
      throw isNotFound(reason) ? notFound(name, reason) : reason;
    }
  }

  /** The manifest of a sequence whose lock is held here: LOCKED where a writer that is gone did not end it. */
  async #readEnded(name: string): Promise<Manifest> {
    const manifest = await this.#readManifest(name);
    if (manifest.state === "recording") throw stillRecording(name, undefined);
    return manifest;
  }

  /** The manifest as it is stored, whatever is in it; undefined where there is none. */
  async #readStored(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readAll(this.#files, `${name}/${MANIFEST}`);
    } catch (reason) {
      if (isNotFound(reason)) return undefined;
      throw reason;
    }
  }

  async #refuseTaken(name: string): Promise<void> {
    try {
      await this.#files.size(`${name}/${MANIFEST}`);
    } catch (reason) {
      if (isNotFound(reason)) return;
      throw reason;
    }
    const text = `Cannot create sequence "${name}": it is there; wanted a new name, or ifExists: "replace"`;
    throw new SmaltiError("ALREADY_EXISTS", text, { sequence: name });
  }

  /** A damaged manifest does not keep a sequence from being removed, nor does a removal that was cut short. */
  async #refuseGone(name: string): Promise<void> {
    await this.#files.size(`${name}/${MANIFEST}`).catch(async (reason) => {
      if (!isNotFound(reason)) throw reason;
      if (!await isHalfRemoved(this.#files, name)) throw notFound(name, reason);
    });
  }

  async #refuseRecording({ name, state }: Manifest): Promise<void> {
    if (state !== "recording") return;
    if ("lockedBy" in this.#files) {
      throw stillRecording(name, await (this.#files as Store).lockedBy(`${name}/${LOCK}`));
    }
    const text = `Sequence "${name}" is being recorded, or was left by its writer: wanted a finalized one`;
    throw new SmaltiError("LOCKED", text, { sequence: name });
  }
}

function stillRecording(name: string, holder: string | undefined): SmaltiError {
  const text = holder
    ? `Sequence "${name}" is being recorded by ${holder}: wanted a finalized one`
    : `Sequence "${name}" was never finalized and its writer is gone: recover it first`;
  return new SmaltiError("LOCKED", text, { sequence: name });
}

function beingReplaced(name: string): SmaltiError {
  const text = `Sequence "${name}" is being replaced by this client: wanted that finalized or aborted`;
  return new SmaltiError("LOCKED", text, { sequence: name });
}

function notFound(name: string, cause: unknown): SmaltiError {
  return new SmaltiError("NOT_FOUND", `No sequence "${name}"`, { sequence: name, cause });
}

class EmbeddedSource implements SequenceSource {
  readonly info: SequenceInfo;
  readonly #manifest: Manifest;
  readonly #files: FileReader;
  readonly #engine: Engine;
  readonly #readManifest: () => Promise<Manifest>;

  constructor(
    files: FileReader,
    engine: Engine,
    info: SequenceInfo,
    manifest: Manifest,
    readManifest: () => Promise<Manifest>,
  ) {
    this.#files = files;
    this.#engine = engine;
    this.info = info;
    this.#manifest = manifest;
    this.#readManifest = readManifest;
  }

  openTopic(name: string): Promise<TopicFileReader> {
    return this.#openTopic(this.#manifest, name);
  }

  follow(): Follower {
    const open = this.#openTopic.bind(this);
    const store = writable(this.#files, `follow sequence "${this.info.name}"`);
    return new EmbeddedFollower(store, this.#engine, this.#manifest, this.#readManifest, open);
  }

  async #openTopic(manifest: Manifest, name: string): Promise<TopicFileReader> {
    const { name: sequence, topics } = manifest;
    const info = topics.find((topic) => topic.name === name);
    if (!info) {
      throw new SmaltiError("NOT_FOUND", `No topic "${name}" in sequence "${sequence}"`, {
        sequence,
        topic: name,
      });
    }
    try {
      const path = topicPath(filesOf(manifest), name);
      return await TopicFileReader.open(this.#files, this.#engine, path, info, sequence);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence }) : reason;
    }
  }

  async readAttachment(attachment: AttachmentInfo): Promise<Uint8Array> {
    const { file, crc, name, sizeBytes } = attachment as StoredAttachment;
    const path = `${filesOf(this.#manifest)}/${file}`;
    const bytes = await this.#files.read(path, 0, sizeBytes);
    if (bytes.length !== sizeBytes || this.#engine.crc32(bytes) !== crc) {
      throw new SmaltiError("CORRUPT", `Attachment "${name}" is cut or does not match its checksum`, {
        sequence: this.info.name,
        file: path,
      });
    }
    return bytes;
  }
}
