/**
 * Who may write a directory, one after another: numbered objects, each created where there is none, without gaps. The last
 * one counts. It says that somebody holds the directory, or that it is free.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import type { Bucket } from "./bucket.ts";

/** The folder of a directory's log. No file can be called so: the name is no store's to give. */
export const LOG_FOLDER = "sequence.wal";
/** More than an epoch's object has. */
const EPOCH_BYTES = 4096;

/** A time in which one writer holds a directory, or none does. */
export interface Epoch {
  /** From 1. */
  readonly number: number;
  /** Tells it from one that had its number before the directory was removed. */
  readonly id: string;
  readonly state: "held" | "free";
  /** The first epoch whose records still say something: this one, where the one before it was free. */
  readonly base: number;
}

/** Keys of the log of one directory. */
export class LogKeys {
  /** What the keys of all that is in the directory begin with: a slash is at its end, unless it is the bucket. */
  readonly directory: string;
  /** What all keys of the log begin with. */
  readonly root: string;

  constructor(directory: string) {
    this.directory = directory;
    this.root = `${directory}${LOG_FOLDER}/`;
  }

  epoch(number: number): string {
    return this.root + digits(number);
  }

  /** What keys of an epoch's records and bulk objects begin with. */
  folder({ number, id }: Epoch): string {
    return `${this.root}${digits(number)}-${id}/`;
  }

  record(epoch: Epoch, number: number): string {
    return this.folder(epoch) + digits(number);
  }
}

/** Keys of the log of a directory by its path; of the store itself by an empty one. */
export function logKeys(prefix: string, directory: string): LogKeys {
  return new LogKeys(prefix + (directory === "" ? "" : `${directory}/`));
}

/** Numbers of one length, so that keys are in order. */
function digits(number: number): string {
  return String(number).padStart(10, "0");
}

/** Reads an epoch; undefined where there is none. CORRUPT. */
export async function readEpoch(bucket: Bucket, keys: LogKeys, number: number): Promise<Epoch | undefined> {
  const key = keys.epoch(number);
  const found = await bucket.get(key, 0, EPOCH_BYTES);
  if (typeof found !== "object") return undefined;
  try {
    const { id, state, base } = JSON.parse(new TextDecoder().decode(found.bytes));
    if (typeof id !== "string" || !(base >= 1 && base <= number)) throw new TypeError("no epoch");
    if (state !== "held" && state !== "free") throw new TypeError("neither held nor free");
    return { number, id, state, base };
  } catch (cause) {
    throw new SmaltiError("CORRUPT", `Cannot read ${bucket.shown(key)}: it is no epoch of a log`, { cause });
  }
}

/** Begins an epoch; false where another was first. */
export async function beginEpoch(bucket: Bucket, keys: LogKeys, epoch: Epoch): Promise<boolean> {
  const { number, ...rest } = epoch;
  return await bucket.create(keys.epoch(number), new TextEncoder().encode(JSON.stringify(rest)), epoch.id);
}

/** The last epoch; undefined where there was none. */
export async function lastEpoch(bucket: Bucket, keys: LogKeys, hint = 0): Promise<Epoch | undefined> {
  const found = new Map<number, Epoch>();
  const last = await lastNumber(async (number) => {
    const epoch = await readEpoch(bucket, keys, number);
    if (epoch) found.set(number, epoch);
    return epoch !== undefined;
  }, hint);
  return found.get(last);
}

/**
 * The last of things numbered from 1 without gaps; 0 where there is none. Always asks for the one that it gives.
 *
 * @param hint One that may be there: near to the last it is found soon.
 */
export async function lastNumber(exists: (number: number) => Promise<boolean>, hint = 0): Promise<number> {
  let low = hint > 0 && await exists(hint) ? hint : 0;
  let step = 1;
  // The next one first: mostly it is not there.
  for (let tries = 0; await exists(low + step); tries++) {
    low += step;
    if (tries > 0) step *= 2;
  }
  // Between a number that is there and one that is not.
  for (let high = low + step; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    if (await exists(middle)) low = middle;
    else high = middle;
  }
  return low;
}
