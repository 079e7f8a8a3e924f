/**
 * Ranges of files on a web server: one request each, checked, and tried again where that may help.
 *
 * @module
 */
import { encodeBase64 } from "../../util/base64.ts";
import { type ErrorCode, SmaltiError } from "../../error.ts";
import { causesText } from "../../util/causes_text.ts";
import { pause } from "../../util/pause.ts";
import { isBrowser } from "../../util/is_browser.ts";
import { isRefusal } from "../../util/rights.ts";
import type { RangeOptions, RangeSource } from "../range_reader.ts";
import type { FilePart, FileVersion } from "../store.ts";

/** A server that gives whole files alone is good enough for files up to this; each read transfers them from the start. */
const WHOLE_BYTES = 64 * 2 ** 20;
/** Ranges longer than this get their memory as the bytes arrive, so that a wrong length costs none. */
const TRUSTED_BYTES = 16 * 2 ** 20;
/** How much is read at a time of a file whose bytes have to be counted; more than {@linkcode WHOLE_BYTES}. */
const COUNTED_BYTES = WHOLE_BYTES + 1;
/** Waits before the second and the third try, ms. */
const BACK_OFF_MS = [100, 400];
/** Waits before a range is read again that took several requests, between which the file was written anew, ms. */
const CHANGED_MS = [10, 20, 40, 80, 160, 320, 640];

const CODES: Record<number, ErrorCode> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  410: "NOT_FOUND",
  429: "UNAVAILABLE",
};

/** A directory on a web server. It only reads. */
export class WebDirectory implements RangeSource {
  /** Without what may be secret: user, password, query. */
  readonly url: string;
  /** What is asked for, in front of the path in it. */
  readonly #base: string;
  readonly #query: string;
  readonly #headers: Record<string, string>;
  #eventsUrl: string | undefined;

  /**
   * INVALID_ARGUMENT where the URL cannot be read.
   *
   * @param url `http:` or `https:`. Its query goes with every request, user and password as an `Authorization` header.
   */
  constructor(url: string) {
    if (!URL.canParse(url)) {
      // Not shown: it may hold a password.
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        "Cannot connect: wanted a URL as in https://host/recordings/",
      );
    }
    const { origin, pathname, search, username, password } = new URL(url);
    this.#base = this.url = origin + pathname + (pathname.endsWith("/") ? "" : "/");
    this.#query = search;
    // A range of a compressed file is of no use. Browsers do not let it be set; they do the same on their own.
    this.#headers = { "Accept-Encoding": "identity" };
    if (username !== "" || password !== "") {
      const both = `${unescaped(username)}:${unescaped(password)}`;
      this.#headers["Authorization"] = `Basic ${encodeBase64(new TextEncoder().encode(both))}`;
    }
  }

  /** A file's URL as it is shown. */
  shown(path: string): string {
    return this.#base + path.split("/").map(encodeURIComponent).join("/");
  }

  /**
   * A range of a file, at least one byte long, in memory of its own. NOT_FOUND, UNAUTHENTICATED, PERMISSION_DENIED, and
   * UNAVAILABLE where the server still failed the third time; UNSUPPORTED, IO where it does not do what HTTP says.
   */
  async read(
    path: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    { fresh = false }: RangeOptions = {},
  ): Promise<FilePart> {
    for (const ms of [...CHANGED_MS, undefined]) {
      const part = await this.#readWhole(path, offset, length, signal, fresh);
      if (part) return part;
      if (ms !== undefined) await pause(ms, signal);
    }
    throw this.#error("IO", path, "the file was written anew while it was read");
  }

  /** A range, by as many requests as that takes; undefined where they were of two files. */
  async #readWhole(
    path: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<FilePart | undefined> {
    const ask = (from: number) =>
      this.#retry(path, signal, () => this.#request(path, from, offset + length - from, signal, { fresh }));
    let { bytes, version } = await ask(offset);
    // Who does not tell the size may end a range before the file ends: only that nothing follows says that it does.
    while (version.size === undefined && bytes.length > 0 && bytes.length < length) {
      const next = offset + bytes.length;
      const more = await ask(next);
      if (more.version.tag !== version.tag) return undefined;
      const joined = new Uint8Array(bytes.length + more.bytes.length);
      joined.set(bytes);
      joined.set(more.bytes, bytes.length);
      const size = more.version.size ?? (more.bytes.length === 0 ? next : undefined);
      [bytes, version] = [joined, { tag: version.tag, size }];
    }
    return { offset, bytes, version };
  }

  /** A range of a file as it is now; undefined where the file is still the one that a tag is of. Errors as {@linkcode read}. */
  async readPart(
    path: string,
    offset: number,
    length: number,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<FilePart | undefined> {
    // Where a page of another origin asks, the server would have to allow the header; most do not.
    const unless = tag !== undefined && IS_ETAG.test(tag) && !this.#isForeign ? tag : undefined;
    const none: FilePart = { offset, bytes: new Uint8Array(0), version: { tag, size: undefined } };
    const part = await this.#retry(
      path,
      signal,
      () => this.#request(path, offset, length, signal, { fresh: true, unless, none }),
    );
    return part === none ? undefined : part;
  }

  /** Where the server tells of changes in the directory, as far as an answer of it said so. */
  get eventsUrl(): string | undefined {
    return this.#eventsUrl;
  }

  /** Opens that stream. Its status is for the caller to look at. */
  openEvents(url: string, signal: AbortSignal): Promise<Response> {
    return fetch(url + this.#query, {
      headers: { ...this.#headers, Accept: "text/event-stream" },
      signal,
      ...(isBrowser() && { cache: "no-store" }),
    });
  }

  get #isForeign(): boolean {
    return isBrowser() && location.origin !== new URL(this.#base).origin;
  }

  /** Takes note of a server that tells of changes: RFC 5989 has the relation. One of another origin is not believed. */
  #noteEvents(headers: Headers): void {
    const link = /<([^>]*)>\s*;\s*rel="?monitor-group"?/.exec(headers.get("Link") ?? "")?.[1];
    if (link === undefined || !URL.canParse(link, this.#base)) return;
    const { origin, pathname } = new URL(link, this.#base);
    if (origin === new URL(this.#base).origin) this.#eventsUrl = origin + pathname;
  }

  /** Bytes in a file, of a server that did not say them with a range: what HEAD tells, else they are counted. */
  async size(path: string, signal: AbortSignal): Promise<number> {
    const told = await this.#retry(path, signal, () => this.#head(path, signal));
    if (told !== undefined) return told;
    for (let end = 0;;) {
      const { bytes, version } = await this.read(path, end, COUNTED_BYTES, signal);
      if (version.size !== undefined) return version.size;
      end += bytes.length;
      if (bytes.length < COUNTED_BYTES) return end;
    }
  }

  /** What HEAD says of a file's length; undefined where it says nothing of the file as it is stored. */
  async #head(path: string, signal: AbortSignal): Promise<number | undefined> {
    const response = await fetch(this.shown(path) + this.#query, {
      method: "HEAD",
      headers: this.#headers,
      signal,
    });
    await response.body?.cancel();
    const { status, headers } = response;
    const isPlain = (headers.get("Content-Encoding") ?? "identity") === "identity";
    return status === 200 && isPlain ? size(headers) : undefined;
  }

  /** Tries again where the server may do better the second or third time. */
  async #retry<R>(path: string, signal: AbortSignal, request: () => Promise<R>): Promise<R> {
    for (let tries = 0;; tries++) {
      try {
        return await request();
      } catch (reason) {
        const error = reason instanceof SmaltiError ? reason : this.#broken(path, reason);
        if (signal.aborted || error.code !== "UNAVAILABLE" || tries === BACK_OFF_MS.length) throw error;
        await pause(BACK_OFF_MS[tries], signal);
      }
    }
  }

  /** @param options `fresh`: past caches. `unless`: what gives `none` where the file still has this tag. */
  async #request(
    path: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    { fresh, unless, none }: { fresh: boolean; unless?: string | undefined; none?: FilePart },
  ): Promise<FilePart> {
    const last = offset + length - 1;
    const response = await fetch(this.shown(path) + this.#query, {
      headers: {
        ...this.#headers,
        Range: `bytes=${offset}-${last}`,
        ...(unless !== undefined && { "If-None-Match": unless }),
        // A browser says so itself, where it is told to keep nothing.
        ...(fresh && !isBrowser() && { "Cache-Control": "no-cache" }),
      },
      signal,
      // Elsewhere there is no cache, and some runtimes refuse the option.
      ...(fresh && isBrowser() && { cache: "no-store" }),
    });
    const { status, headers } = response;
    const body = new Body(response);
    try {
      this.#noteEvents(headers);
      if (status === 304 && none) return none;
      const tag = headers.get("ETag") ?? headers.get("Last-Modified") ?? undefined;
      const range = contentRange(headers.get("Content-Range"));
      if (status === 416) {
        // 416 to a range that begins at byte 0 means an empty file.
        const size = range?.size ?? (offset === 0 ? 0 : undefined);
        if (size !== undefined && size > offset) throw this.#wrongRange(path, offset, last, headers);
        return { offset, bytes: new Uint8Array(0), version: { tag, size } };
      }
      if (status !== 206 && status !== 200) throw this.#refused(path, response);
      const encoding = headers.get("Content-Encoding") ?? "identity";
      if (encoding !== "identity") {
        throw this.#error(
          "UNSUPPORTED",
          path,
          `the server sends it as ${encoding}: wanted it as it is stored`,
        );
      }
      if (status === 200) return await this.#cut(path, offset, length, body, { tag, size: size(headers) });

      // A size of "*" is one that the server does not know: there the range may end anywhere.
      const { first, last: end = -1, size: total = end + 1 } = range ?? {};
      if (first !== offset || end < offset || end !== Math.min(last, total - 1)) {
        throw this.#wrongRange(path, offset, last, headers);
      }
      const wanted = end + 1 - offset;
      // Most servers tell the length twice: the runtime then gives all of it at once, without pieces to put together.
      const isTrusted = wanted <= TRUSTED_BYTES && size(headers) === wanted;
      const bytes = isTrusted ? await body.all() : await body.take(wanted);
      if (bytes.length !== wanted || !await body.atEnd()) {
        const text = `the server announced ${wanted} bytes and sent ${
          bytes.length < wanted ? "fewer" : "more"
        }`;
        throw this.#error("UNAVAILABLE", path, text);
      }
      return { offset, bytes, version: { tag, size: range?.size } };
    } finally {
      body.close();
    }
  }

  /** The range out of a whole file, which is not kept. */
  async #cut(
    path: string,
    offset: number,
    length: number,
    body: Body,
    version: FileVersion,
  ): Promise<FilePart> {
    const { size } = version;
    const tooLarge = () => {
      const text =
        `the server does not serve ranges, and the file has ${size ?? `more than ${WHOLE_BYTES}`} ` +
        `bytes: wanted ranges, or ${WHOLE_BYTES} bytes at most`;
      return this.#error("UNSUPPORTED", path, text);
    };
    if ((size ?? 0) > WHOLE_BYTES) throw tooLarge();
    await body.skip(Math.min(offset, WHOLE_BYTES));
    const bytes = await body.take(Math.min(length, WHOLE_BYTES - body.position + 1));
    if (body.position > WHOLE_BYTES) throw tooLarge();
    const ended = bytes.length < length;
    if (ended && size !== undefined && body.position < size) {
      throw this.#error("UNAVAILABLE", path, `the server announced ${size} bytes and sent ${body.position}`);
    }
    return { offset, bytes, version: ended ? { ...version, size: body.position } : version };
  }

  #refused(path: string, { status, statusText }: Response): SmaltiError {
    const code = CODES[status] ?? (status >= 500 ? "UNAVAILABLE" : "IO");
    return this.#error(code, path, `the server answers ${status}${statusText && ` ${statusText}`}`);
  }

  #wrongRange(path: string, offset: number, last: number, headers: Headers): SmaltiError {
    const seen = headers.get("Content-Range");
    const text = seen === null
      // Where a page of another origin asks, the browser hides headers that the server does not expose.
      ? "the server does not say which range it answers with: wanted Content-Range, exposed where a page reads it"
      : `the server answers with "${seen}": wanted bytes ${offset}-${last}`;
    return this.#error("IO", path, text);
  }

  /** What a runtime says of a request that came to nothing. */
  #broken(path: string, reason: unknown): SmaltiError {
    const said = causesText(reason);
    if (isRefusal(reason)) return this.#error("PERMISSION_DENIED", path, said);
    const text = `the server cannot be reached, or went away: ${said}`;
    if (this.#query === "") return this.#error("UNAVAILABLE", path, text, reason);
    // It may name the URL whole, and a query may be a signature.
    return this.#error("UNAVAILABLE", path, text.replaceAll(this.#query, ""));
  }

  #error(code: ErrorCode, path: string, text: string, cause?: unknown): SmaltiError {
    return new SmaltiError(code, `Cannot read ${this.shown(path)}: ${text}`, { file: path, cause });
  }
}

/** What a tag must be to be asked for; a time is none. */
const IS_ETAG = /^(W\/)?"/;

/** A body, read in order, or all at once. */
class Body {
  readonly #response: Response;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #chunk = new Uint8Array(0);
  /** Bytes of the body taken or skipped. */
  position = 0;

  constructor(response: Response) {
    this.#response = response;
  }

  /** All of it, where nothing was taken. */
  async all(): Promise<Uint8Array> {
    return new Uint8Array(await this.#response.arrayBuffer());
  }

  /** The next bytes; fewer where it ends before. */
  async take(length: number): Promise<Uint8Array> {
    let bytes = new Uint8Array(Math.min(length, TRUSTED_BYTES));
    let done = 0;
    while (done < length && await this.#fill()) {
      if (done === bytes.length) {
        const larger = new Uint8Array(Math.min(length, 2 * done));
        larger.set(bytes);
        bytes = larger;
      }
      const part = this.#chunk.subarray(0, bytes.length - done);
      bytes.set(part, done);
      done += part.length;
      this.#advance(part.length);
    }
    return done === bytes.length ? bytes : bytes.slice(0, done);
  }

  /** Passes over bytes; over fewer where it ends before. */
  async skip(length: number): Promise<void> {
    while (length > 0 && await this.#fill()) {
      const part = Math.min(length, this.#chunk.length);
      length -= part;
      this.#advance(part);
    }
  }

  async atEnd(): Promise<boolean> {
    return !await this.#fill();
  }

  /** Lets go of the connection. */
  close(): void {
    if (!this.#reader && this.#response.bodyUsed) return;
    (this.#reader ?? this.#response.body)?.cancel().catch(() => {}); // it had failed already
  }

  #advance(bytes: number): void {
    this.#chunk = this.#chunk.subarray(bytes);
    this.position += bytes;
  }

  async #fill(): Promise<boolean> {
    if (!this.#reader && this.#response.bodyUsed) return false;
    this.#reader ??= this.#response.body?.getReader();
    while (this.#chunk.length === 0) {
      const next = await this.#reader?.read();
      if (!next || next.done) return false;
      this.#chunk = next.value as Uint8Array<ArrayBuffer>;
    }
    return true;
  }
}

/** `bytes 0-99/1000`, and `bytes * /1000` where there is no such range. A size of `*` is none. */
function contentRange(text: string | null): { first?: number; last?: number; size?: number } | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const number = (digits: string | undefined) => /^\d+$/.test(digits ?? "") ? Number(digits) : undefined;
  return { first: number(match[1]), last: number(match[2]), size: number(match[3]) };
}

/** What the length of a whole file is said to be. */
function size(headers: Headers): number | undefined {
  const text = headers.get("Content-Length") ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A part of a URL without escapes. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
