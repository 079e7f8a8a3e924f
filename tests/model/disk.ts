import { SmaltiError } from "../../src/error.ts";
import type { Random } from "../support/random_cases.ts";

/** A file's bytes, of which the first `durable` would survive a loss of power. */
export class DiskFile {
  bytes: Uint8Array = new Uint8Array(0);
  durable = 0;
  /** Whether its name would survive. */
  hasName = false;
  /** A disk that failed to make it durable goes on failing. */
  cannotSync = false;
  /** The step in which its writer heard that bytes of it may be lost. */
  failedAt: number | undefined;

  append(bytes: Uint8Array): void {
    const longer = new Uint8Array(this.bytes.length + bytes.length);
    longer.set(this.bytes);
    longer.set(bytes, this.bytes.length);
    this.bytes = longer;
  }

  sync(): void {
    this.durable = this.bytes.length;
    this.hasName = true;
  }
}

/** Something that the disk holds by law to be impossible, and that was done all the same. */
export type Accuse = (what: string) => void;

/** What the manifest of a sequence said, at one time. */
export interface Version {
  readonly step: number;
  /** Undefined when it was removed. */
  readonly manifest: ManifestText | undefined;
}

/** The members of a manifest that the model looks at. */
export interface ManifestText {
  readonly state: string;
  readonly metadata: { inc?: number };
  readonly sessions: readonly { id: string; state: string }[];
  readonly topics: readonly {
    name: string;
    metadata: { id?: number };
    rowCount: number;
    sessionId: string;
  }[];
}

/** Names of the files that stand for a lock, and of those that are written without one. */
const LOCK = "sequence.lock";
const UNLOCKED: readonly string[] = ["sequence.notifications", LOCK];
const MANIFEST = "sequence.json";
const LIVE = "sequence.live";

/** The one disk that all processes of a case share. Its methods take effect at once; what is not durable may be lost. */
export class Disk {
  readonly files = new Map<string, DiskFile>();
  readonly locks = new Map<string, { holder: string; token: object }>();
  /** All manifests that each sequence had, oldest first. */
  readonly versions = new Map<string, Version[]>();
  /** Locks of processes that died, as files. */
  readonly stale = new Set<string>();
  /** Whether removing a directory ends the locks in it, as a lock file's removal does. */
  readonly locksAreFiles: boolean;
  /** Whether what is synced is lost with the power all the same. */
  forgetsSyncs = false;
  readonly #accuse: Accuse;
  readonly #now: () => number;

  constructor(locksAreFiles: boolean, now: () => number, accuse: Accuse) {
    this.locksAreFiles = locksAreFiles;
    this.#now = now;
    this.#accuse = accuse;
  }

  list(path: string): string[] {
    const prefix = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    const add = (file: string) => {
      if (file.startsWith(prefix)) {
        names.add(file.slice(prefix.length).split("/")[0]);
      }
    };
    for (const file of this.files.keys()) add(file);
    for (const lock of this.locks.keys()) add(lock);
    for (const lock of this.stale) add(lock);
    return [...names];
  }

  file(path: string): DiskFile {
    const file = this.files.get(path);
    if (file) return file;
    throw new SmaltiError("NOT_FOUND", `No file ${path} on the disk`, {
      file: path,
    });
  }

  create(process: string, path: string): void {
    this.#mayChange(process, "create", path);
    if (this.files.has(path)) {
      throw new SmaltiError("ALREADY_EXISTS", `${path} is there`, {
        file: path,
      });
    }
    this.files.set(path, new DiskFile());
  }

  append(process: string, path: string, bytes: Uint8Array): void {
    this.#mayChange(process, "append to", path);
    this.file(path).append(bytes);
  }

  truncate(process: string, path: string, size: number): void {
    this.#mayChange(process, "truncate", path);
    const file = this.file(path);
    file.bytes = file.bytes.slice(0, size);
    file.durable = Math.min(file.durable, size);
  }

  replace(process: string, path: string, bytes: Uint8Array): void {
    this.#mayChange(process, "replace", path);
    const file = new DiskFile();
    file.append(bytes);
    file.sync();
    this.#put(path, file);
  }

  move(process: string, from: string, to: string): void {
    this.#mayChange(process, "move", from);
    this.#mayChange(process, "replace", to);
    const file = this.file(from);
    file.hasName = true;
    this.files.delete(from);
    this.#put(to, file);
  }

  /** Removes what is at a path and below; only a part of it where `keep` says so. */
  remove(
    process: string,
    path: string,
    keep: (file: string) => boolean = () => false,
  ): void {
    // What a checkpoint took may serve to take the lock on a full disk.
    if (!path.endsWith(`/${LIVE}`)) this.#mayChange(process, "remove", path);
    const isBelow = (file: string) => file === path || file.startsWith(`${path}/`);
    for (const file of [...this.files.keys()].filter(isBelow)) {
      if (keep(file)) continue;
      this.files.delete(file);
      if (file.endsWith(`/${MANIFEST}`)) this.#versionOf(file, undefined);
    }
    // What is removed durably is not removed before what was made in its directory.
    const directory = path.slice(0, path.lastIndexOf("/") + 1);
    for (const [other, file] of this.files) {
      if (other.startsWith(directory) && !other.includes("/", directory.length)) file.hasName = true;
    }
    for (const lock of [...this.stale].filter(isBelow)) this.stale.delete(lock);
    if (!this.locksAreFiles) return;
    for (const lock of [...this.locks.keys()].filter(isBelow)) {
      this.locks.delete(lock);
    }
  }

  lock(process: string, path: string): object {
    const held = this.locks.get(path);
    if (held) {
      throw new SmaltiError("LOCKED", `${path} is held by ${held.holder}`, {
        file: path,
      });
    }
    const token = {};
    this.stale.delete(path);
    this.locks.set(path, { holder: process, token });
    return token;
  }

  unlock(path: string, token: object): void {
    if (this.locks.get(path)?.token === token) this.locks.delete(path);
  }

  /** Locks of a process that is gone are held by nobody; their files stay. */
  release(process: string): void {
    for (const [path, { holder }] of [...this.locks]) {
      if (holder !== process) continue;
      this.locks.delete(path);
      if (this.locksAreFiles) this.stale.add(path);
    }
  }

  /** What a loss of power leaves: of bytes that were not durable some of the first ones, or zeros in their place. */
  losePower(random: Random): void {
    for (const [path, file] of [...this.files]) {
      if (this.forgetsSyncs && path.endsWith(".arrow")) file.durable = 0;
      if (!file.hasName && random.oneIn(2)) {
        this.files.delete(path);
        continue;
      }
      const more = file.bytes.length - file.durable;
      if (more === 0) continue;
      const kept = file.durable + random.below(more + 1);
      if (random.oneIn(4)) file.bytes.fill(0, kept);
      else file.bytes = file.bytes.slice(0, kept);
      file.sync();
    }
  }

  /** Who changes a sequence holds its lock: else two could at a time, or one after the end. */
  #mayChange(process: string, verb: string, path: string): void {
    const [sequence, ...rest] = path.split("/");
    if (
      UNLOCKED.includes(rest.at(-1)!) ||
      this.locks.get(`${sequence}/${LOCK}`)?.holder === process
    ) return;
    this.#accuse(
      `unlocked: ${process} was about to ${verb} ${path} without the lock of ${sequence}`,
    );
  }

  #put(path: string, file: DiskFile): void {
    this.files.set(path, file);
    if (path.endsWith(`/${MANIFEST}`)) {
      this.#versionOf(path, JSON.parse(new TextDecoder().decode(file.bytes)));
    }
    if (path.endsWith(`/${LIVE}`)) {
      this.#checkLive(path, new TextDecoder().decode(file.bytes));
    }
  }

  #versionOf(path: string, manifest: ManifestText | undefined): void {
    const sequence = path.slice(0, path.indexOf("/"));
    const versions = this.versions.get(sequence) ?? [];
    this.versions.set(sequence, versions);
    versions.push({ step: this.#now(), manifest });
  }

  /**
   * A checkpoint is of sessions that are being written. Files of one whose end failed, and may be in the manifest all the
   * same, are in it until that is given up, or followers would lose them.
   */
  #checkLive(path: string, text: string): void {
    const { manifest } = this.versions.get(path.slice(0, path.indexOf("/")))?.at(-1) ?? {};
    const written = JSON.parse(text).sessions as string[];
    const ended = manifest?.sessions.find(({ id, state }) => state !== "recording" && written.includes(id));
    if (ended) {
      this.#accuse(
        `checkpoint: ${path} speaks of session ${ended.id}, which is ${ended.state}`,
      );
    }
  }
}
