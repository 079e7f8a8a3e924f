import { BatchCache } from "../arrow/batch_cache.ts";
import type { Backend, SequenceSink, SequenceSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { Durability, FileReader, Store } from "../store/store.ts";
import type {
  CompactReport,
  CopyOptions,
  CopyReport,
  Metadata,
  Notification,
  NotificationPlace,
  RecoverOptions,
  RecoverReport,
  SequenceInfo,
  StoreInfo,
} from "../types.ts";
import { VERSION } from "../version.ts";
import type { EmbeddedChanges } from "./embedded_changes.ts";
import { EmbeddedSource } from "./embedded_source.ts";
import type { LiveKnowledge } from "./live_info.ts";
import { type KnownManifest, ManifestReader } from "./manifest_reader.ts";
import { sequencesOf } from "./places.ts";

/**
 * Recordings as files: a directory for each sequence with `sequence.json` and one Arrow IPC file a topic. The manifest is
 * written at creation and at commit only. Where the files can only be read, so can the recordings.
 */
export class EmbeddedBackend implements Backend {
  readonly engine: Engine;
  readonly storeUrl: string;
  readonly #files: FileReader;
  readonly #manifests: ManifestReader;
  /** Sequences that are being recorded, here or elsewhere, as far as somebody asked for them. */
  readonly #recording = new Map<string, KnownManifest & { readonly live: LiveKnowledge }>();
  readonly #cache: BatchCache;
  #changes: EmbeddedChanges | undefined;
  #loading: Promise<EmbeddedChanges> | undefined;

  /**
   * @param files A `Store`, or what can only be read. They are closed with the backend.
   * @param maxCachedBytes Bound on the open batches that are kept at hand, of all handlers together.
   */
  constructor(files: FileReader, engine: Engine, maxCachedBytes?: number) {
    this.#cache = new BatchCache(maxCachedBytes);
    this.#files = files;
    this.storeUrl = files.url;
    this.#manifests = new ManifestReader(files);
    this.engine = engine;
  }

  get durability(): Durability {
    return (this.#files as Partial<Store>).durability ?? "sync";
  }

  info(): Promise<StoreInfo> {
    return Promise.resolve({ version: VERSION });
  }

  async listSequences(): Promise<string[]> {
    return sequencesOf(await this.#files.list(""));
  }

  async readInfo(name: string, { live = false }: { live?: boolean } = {}): Promise<SequenceInfo> {
    if (!live) return await this.#manifests.read(name);
    const { LiveKnowledge, withLive } = await import("./live_info.ts");
    const known = this.#recording.get(name) ?? { live: new LiveKnowledge(this.#files) };
    this.#recording.delete(name);
    const read = () => this.#manifests.read(name, known);
    const info = await withLive(this.#files, this.engine, await read(), read, { known: known.live });
    if (info.live) this.#recording.set(name, known);
    return info;
  }

  async openSequence(name: string, options: { follow?: boolean } = {}): Promise<SequenceSource> {
    const known: KnownManifest = {};
    const readManifest = () => this.#manifests.read(name, known);
    const manifest = await readManifest();
    if (!options.follow) await this.#manifests.refuseRecording(manifest);
    let info: SequenceInfo = manifest;
    if (options.follow) {
      const { withLive } = await import("./live_info.ts");
      info = await withLive(this.#files, this.engine, manifest, readManifest, { isFollowed: true });
    }
    return new EmbeddedSource(this.#files, this.engine, info, manifest, readManifest, this.#cache);
  }

  createSequence(
    name: string,
    metadata: Metadata,
    ifExists?: "error" | "replace",
  ): Promise<SequenceSink> {
    return this.#change((changes) => changes.createSequence(name, metadata, ifExists));
  }

  updateSequence(name: string): Promise<SequenceSink> {
    return this.#change((changes) => changes.updateSequence(name));
  }

  deleteSequence(name: string): Promise<void> {
    return this.#change((changes) => changes.deleteSequence(name));
  }

  deleteSession(name: string, id: string): Promise<void> {
    return this.#change((changes) => changes.deleteSession(name, id));
  }

  recoverSequence(name: string, options?: RecoverOptions): Promise<RecoverReport> {
    return this.#change((changes) => changes.recoverSequence(name, options));
  }

  compactSequence(name: string): Promise<CompactReport> {
    return this.#change((changes) => changes.compactSequence(name));
  }

  async copySequence(name: string, to: Backend, options: CopyOptions): Promise<CopyReport> {
    if (!(to instanceof EmbeddedBackend)) {
      const text = `Cannot copy sequence "${name}" to ${to.storeUrl ?? "a server"}: wanted a store of files`;
      throw new SmaltiError("UNSUPPORTED", text, { sequence: name });
    }
    const there = await to.#change((changes) => Promise.resolve(changes));
    return await this.#change((changes) => changes.copySequence(name, there, options));
  }

  listNotifications(place: NotificationPlace): Promise<Notification[]> {
    return this.#change((changes) => changes.listNotifications(place));
  }

  notify(place: NotificationPlace, message: string): Promise<void> {
    return this.#change((changes) => changes.notify(place, message));
  }

  clearNotifications(place: NotificationPlace): Promise<void> {
    return this.#change((changes) => changes.clearNotifications(place));
  }

  async close(): Promise<void> {
    await (await this.#loading?.catch(() => undefined))?.settle();
    this.#cache.close();
    await this.#files.close();
  }

  /** Begins at once where what it needs is loaded, and else in the order of the calls. */
  #change<R>(change: (changes: EmbeddedChanges) => Promise<R>): Promise<R> {
    if (this.#changes) return change(this.#changes);
    this.#loading ??= import("./embedded_changes.ts").then(({ EmbeddedChanges }) =>
      this.#changes = new EmbeddedChanges(this.#files, this.engine)
    );
    return this.#loading.then(change);
  }
}
