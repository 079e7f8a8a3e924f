import type { Durability, HeldFile, ReadOptions, Store, StoreLease } from "../../src/store/store.ts";

/** The calls of a store that take a path first and may be counted, held up or made to fail. */
export type StoreCall =
  | "list"
  | "size"
  | "read"
  | "create"
  | "append"
  | "truncate"
  | "sync"
  | "replace"
  | "commit"
  | "move"
  | "open"
  | "remove"
  | "lock";

/** A store that hands every call on to another. All but `lockedBy` and `close` go through {@linkcode through}. */
export class PassThroughStore implements Store {
  readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  get url(): string {
    return this.inner.url;
  }

  get durability(): Durability {
    return this.inner.durability ?? "sync";
  }

  /** Does a call; to be overridden. */
  protected through<R>(_call: StoreCall, _path: string, action: () => Promise<R>): Promise<R> {
    return action();
  }

  list(path: string): Promise<string[]> {
    return this.through("list", path, () => this.inner.list(path));
  }
  size(path: string): Promise<number> {
    return this.through("size", path, () => this.inner.size(path));
  }
  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.through("read", path, () => this.inner.read(path, offset, length, options));
  }
  create(path: string): Promise<void> {
    return this.through("create", path, () => this.inner.create(path));
  }
  append(path: string, bytes: Uint8Array): Promise<void> {
    return this.through("append", path, () => this.inner.append(path, bytes));
  }
  get truncate(): Store["truncate"] {
    const { inner } = this;
    if (!inner.truncate) return undefined;
    return (path, size) => this.through("truncate", path, () => inner.truncate!(path, size));
  }
  sync(path: string): Promise<void> {
    return this.through("sync", path, () => this.inner.sync(path));
  }
  get seal(): Store["seal"] {
    const { inner } = this;
    if (!inner.seal) return undefined;
    return (path) => this.through("sync", path, () => inner.seal!(path));
  }
  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.through("replace", path, () => this.inner.replace(path, bytes));
  }
  commit(path: string, bytes: Uint8Array): Promise<void> {
    return this.through("commit", path, () => this.inner.commit(path, bytes));
  }
  move(from: string, to: string): Promise<void> {
    return this.through("move", from, () => this.inner.move(from, to));
  }
  open(path: string): Promise<HeldFile> {
    return this.through("open", path, () => this.inner.open(path));
  }
  remove(path: string): Promise<void> {
    return this.through("remove", path, () => this.inner.remove(path));
  }
  lock(path: string): Promise<StoreLease> {
    return this.through("lock", path, () => this.inner.lock(path));
  }
  lockedBy(path: string): Promise<string | undefined> {
    return this.inner.lockedBy(path);
  }
  get isLink(): Store["isLink"] {
    return this.inner.isLink?.bind(this.inner);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}
