import type { HeldFile, ReadOptions, Store, StoreLease } from "../../src/store/store.ts";
import { PassThroughStore } from "./pass_through_store.ts";

/**
 * A store as a file system is that keeps capitals and does not tell them from small letters (NTFS, APFS, exFAT): every path
 * finds what is called so but for case. A directory keeps the name of who made it.
 */
export class CaseBlindStore extends PassThroughStore {
  /** Entries as they were called first, by their lower-case path. */
  readonly #names = new Map<string, string>();

  constructor(inner: Store) {
    super(inner);
  }

  #real(path: string): string {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      const lower = [...parts, part].join("/").toLowerCase();
      if (!this.#names.has(lower)) this.#names.set(lower, part);
      parts.push(this.#names.get(lower)!);
    }
    return parts.join("/");
  }

  override list(path: string): Promise<string[]> {
    return super.list(path === "" ? "" : this.#real(path));
  }
  override size(path: string): Promise<number> {
    return super.size(this.#real(path));
  }
  override read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return super.read(this.#real(path), offset, length, options);
  }
  override create(path: string): Promise<void> {
    return super.create(this.#real(path));
  }
  override append(path: string, bytes: Uint8Array): Promise<void> {
    return super.append(this.#real(path), bytes);
  }
  override sync(path: string): Promise<void> {
    return super.sync(this.#real(path));
  }
  override replace(path: string, bytes: Uint8Array): Promise<void> {
    return super.replace(this.#real(path), bytes);
  }
  override commit(path: string, bytes: Uint8Array): Promise<void> {
    return super.commit(this.#real(path), bytes);
  }
  override move(from: string, to: string): Promise<void> {
    return super.move(this.#real(from), this.#real(to));
  }
  override open(path: string): Promise<HeldFile> {
    return super.open(this.#real(path));
  }
  override remove(path: string): Promise<void> {
    return super.remove(this.#real(path));
  }
  override lock(path: string): Promise<StoreLease> {
    return super.lock(this.#real(path));
  }
  override lockedBy(path: string): Promise<string | undefined> {
    return super.lockedBy(this.#real(path));
  }
}
