/**
 * `viewer.json`: the layouts that recordings of a store are opened with. The only file that the page may write.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { SmaltiError } from "../../error.ts";
import { type FileReader, writable } from "../../store/store.ts";
import { failureStatus } from "./failure_status.ts";
import { isOwnPage } from "./guard.ts";
import type { ShownFiles } from "./shown_files.ts";

/** Its name in the store's root. */
export const LAYOUTS = "viewer.json";
/** Bytes of it at most. */
export const MAX_LAYOUT_BYTES: number = 256 * 1024;

/** An answer in words. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** The file of a store. */
export class LayoutFile {
  readonly #store: FileReader;
  readonly #files: ShownFiles;
  /** One save at a time, so that each sees what the one before has left. */
  #saving: Promise<unknown> = Promise.resolve();

  /** @param files Those of the store, which tell the ETag of what is there. */
  constructor(store: FileReader, files: ShownFiles) {
    this.#store = store;
    this.#files = files;
  }

  /**
   * Puts what a request brings in its place; undefined where that went well. Under `If-Match` and `If-None-Match: *` (RFC 9110) only
   * what the other side has seen is replaced.
   */
  async save(request: IncomingMessage): Promise<Refusal | undefined> {
    if (!isOwnPage(request)) {
      return { status: 403, text: "Cannot save layouts: the page of another site asks" };
    }
    const type = request.headers["content-type"]?.split(";")[0].trim().toLowerCase();
    if (type !== "application/json") {
      return { status: 415, text: `Cannot save layouts: they come as ${type}, wanted application/json` };
    }
    const bytes = await readBody(request);
    if (!bytes) {
      return { status: 413, text: `Cannot save layouts: wanted ${MAX_LAYOUT_BYTES} bytes at most` };
    }
    if (!isObject(bytes)) return { status: 400, text: "Cannot save layouts: wanted a JSON object in UTF-8" };
    const saved = this.#saving.then(() => this.#replace(request, bytes));
    this.#saving = saved.catch(() => {});
    try {
      return await saved;
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      return { status: failureStatus(reason), text: reason.rawMessage };
    }
  }

  async #replace({ headers }: IncomingMessage, bytes: Uint8Array): Promise<Refusal | undefined> {
    const store = writable(this.#store, "save layouts");
    const { "if-match": wanted, "if-none-match": unwanted } = headers;
    if (wanted !== undefined || unwanted !== undefined) {
      const tag = await this.#tag();
      const names = (condition: string) =>
        tag !== undefined && condition.split(",").some((one) => one.trim() === "*" || one.trim() === tag);
      if ((wanted !== undefined && !names(wanted)) || (unwanted !== undefined && names(unwanted))) {
        return { status: 412, text: "Cannot save layouts: others were saved meanwhile" };
      }
    }
    await store.replace(LAYOUTS, bytes);
    return undefined;
  }

  /** The ETag of what is there now; undefined where nothing is. */
  async #tag(): Promise<string | undefined> {
    const file = await this.#files.open([LAYOUTS]);
    await file?.close();
    return file?.tag;
  }
}

/** What a request brings; undefined where that is too much. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_LAYOUT_BYTES) return undefined;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MAX_LAYOUT_BYTES) return undefined;
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function isObject(bytes: Uint8Array): boolean {
  try {
    const json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof json === "object" && json !== null && !Array.isArray(json);
  } catch {
    return false;
  }
}
