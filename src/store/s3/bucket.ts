/**
 * Objects of a bucket by key: what the rest of the store is built on.
 *
 * @module
 */
import { crc32 } from "@foxglove/crc";
import { encodeBase64 } from "../../util/base64.ts";
import { SmaltiError } from "../../error.ts";
import { encryptionHeaders } from "./encryption.ts";
import type { S3Place } from "./s3_options.ts";
import { codeOf, elementOf, type S3Answer, type S3Request, S3Requests } from "./s3_requests.ts";

/** Keys that a service deletes by one request. */
const MOST_DELETED = 1000;

/** Bytes of an object, and which state of it they are of. */
export interface ObjectPart {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string | undefined;
  /** Of the whole object. */
  readonly size: number;
}

/** What is told of an object without its bytes. */
export interface ObjectHead {
  readonly size: number;
  readonly etag: string | undefined;
  /** What it was created with by {@linkcode Bucket.create}. */
  readonly id: string | undefined;
  /** For how long it has been there, by the service's own clock, to a second; undefined where that does not tell. */
  readonly ageMs: number | undefined;
}

/** Options of a request. */
export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** The object must have this ETag: else the call gives undefined, or "changed". */
  ifMatch?: string | undefined;
}

/** One page of a listing. */
export interface ListPage {
  /** Keys of objects, in order. */
  readonly keys: readonly string[];
  /** What the keys begin with up to the next `/`, where a delimiter was asked for. */
  readonly prefixes: readonly string[];
}

/** A part of a multipart upload. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

/** A bucket. Keys are whole, with the place's prefix. */
export class Bucket {
  readonly place: S3Place;
  readonly #requests: S3Requests;
  readonly #encryption: Readonly<Record<string, string>>;

  constructor(place: S3Place) {
    this.place = place;
    this.#requests = new S3Requests(place);
    this.#encryption = encryptionHeaders(place.options.encryptionKey);
  }

  /** How messages name an object. */
  shown(key: string): string {
    return `s3://${this.place.bucket}/${key}`;
  }

  /**
   * A range of an object, at least one byte long: fewer bytes where it ends before. "missing" where there is none, "changed"
   * where its ETag is not `ifMatch`, "same" where it still is `unless`.
   */
  async get(
    key: string,
    offset: number,
    length: number,
    options: AskOptions & { unless?: string | undefined } = {},
  ): Promise<ObjectPart | "missing" | "changed" | "same"> {
    const answer = await this.#ask({
      method: "GET",
      key,
      headers: {
        Range: `bytes=${offset}-${offset + length - 1}`,
        ...(options.ifMatch !== undefined && { "If-Match": options.ifMatch }),
        ...(options.unless !== undefined && { "If-None-Match": options.unless }),
      },
      tried: `read ${this.shown(key)}`,
      expected: [304, 404, 412, 416],
      signal: options.signal,
    });
    const etag = answer.headers.get("ETag") ?? undefined;
    switch (answer.status) {
      case 304:
        return "same";
      case 404:
        this.#checkBucket(answer, `read ${this.shown(key)}`);
        return "missing";
      case 412:
        return "changed";
      case 416:
        return await this.#beyond(key, answer, options);
    }
    const { bytes } = answer;
    if (answer.status === 200) {
      // The whole object: what ignores ranges.
      return { bytes: bytes.slice(offset, offset + length), etag, size: bytes.length };
    }
    const size = sizeOf(answer);
    const first = /^bytes (\d+)-/.exec(answer.headers.get("Content-Range") ?? "")?.[1];
    if (size === undefined || Number(first) !== offset || bytes.length !== Math.min(length, size - offset)) {
      const seen = answer.headers.get("Content-Range");
      const text =
        `the service answers with "${seen}" and ${bytes.length} bytes: wanted ${length} from ${offset} on`;
      throw new SmaltiError("IO", `Cannot read ${this.shown(key)}: ${text}`);
    }
    return { bytes, etag, size };
  }

  /** No bytes: the object ends before a range that was asked for. Not all services tell of it then. */
  async #beyond(key: string, answer: S3Answer, options: AskOptions): Promise<ObjectPart | "missing"> {
    const [size, etag] = [sizeOf(answer), answer.headers.get("ETag")];
    const told = size === undefined || etag === null ? await this.head(key, options) : { size, etag };
    return told ? { bytes: new Uint8Array(0), etag: told.etag, size: told.size } : "missing";
  }

  /** What is told of an object without its bytes; undefined where there is none. */
  async head(key: string, { signal }: AskOptions = {}): Promise<
    ObjectHead | undefined
  > {
    const tried = `look at ${this.shown(key)}`;
    const { status, headers } = await this.#ask({ method: "HEAD", key, tried, expected: [404], signal });
    if (status === 404) return undefined;
    const timeOf = (name: string) => Date.parse(headers.get(name) ?? "");
    const ageMs = timeOf("Date") - timeOf("Last-Modified");
    return {
      size: Number(headers.get("Content-Length")),
      etag: headers.get("ETag") ?? undefined,
      id: headers.get("x-amz-meta-id") ?? undefined,
      ageMs: Number.isNaN(ageMs) ? undefined : Math.max(0, ageMs),
    };
  }

  /**
   * Puts an object, whatever is there. Gives its ETag; "changed" where another is there than `ifMatch` says, or none. With
   * `ifMatch` an answer that was lost is made up for by `id`, which must be another for each call.
   */
  async put(
    key: string,
    bytes: Uint8Array,
    options: AskOptions & { id?: string } = {},
  ): Promise<string | "changed"> {
    const { signal, ifMatch, id } = options;
    const answer = await this.#put(
      key,
      bytes,
      id,
      ifMatch === undefined ? {} : { "If-Match": ifMatch },
      signal,
    );
    if (answer.status < 300) return answer.headers.get("ETag") ?? "";
    const there = id === undefined ? undefined : await this.head(key, { signal });
    return there && there.id === id ? there.etag ?? "" : "changed";
  }

  /**
   * Creates an object where there is none at the key: the one call that decides between writers. Gives false where another
   * is there. An answer that was lost is made up for by `id`, which must be another for each call, but for one that repeats
   * a call of which nobody knows what came.
   */
  async create(key: string, bytes: Uint8Array, id: string, { signal }: AskOptions = {}): Promise<boolean> {
    const answer = await this.#put(key, bytes, id, { "If-None-Match": "*" }, signal);
    if (answer.status !== 412) return true;
    // It may have been created by this very call: runtimes repeat requests too, and do not tell.
    return (await this.head(key, { signal }))?.id === id;
  }

  /** Deletes objects; nothing where there are none. */
  async delete(keys: readonly string[], { signal }: AskOptions = {}): Promise<void> {
    for (let from = 0; from < keys.length; from += MOST_DELETED) {
      const some = keys.slice(from, from + MOST_DELETED);
      if (some.length === 1) {
        const tried = `remove ${this.shown(some[0])}`;
        await this.#ask({ method: "DELETE", key: some[0], tried, expected: [404], signal });
        continue;
      }
      const objects = some.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join("");
      const body = new TextEncoder().encode(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
      const tried = `remove ${some.length} objects from ${this.shown(some[0])} on`;
      const headers = { "x-amz-checksum-crc32": crcText(body), "Content-Type": "application/xml" };
      const answer = await this.#ask({
        method: "POST",
        key: "",
        query: { delete: "" },
        headers,
        body,
        tried,
        signal,
      });
      const error = codeOf(answer);
      if (error !== "") throw new SmaltiError("IO", `Cannot ${tried}: the service answers ${error}`);
    }
  }

  /** All below a prefix, 1,000 a page, in the order of the keys. A list may lag behind: nothing is decided by one. */
  async *list(
    prefix: string,
    { delimiter, startAfter, signal }: AskOptions & { delimiter?: string; startAfter?: string } = {},
  ): AsyncGenerator<ListPage> {
    let token: string | undefined;
    do {
      const answer = await this.#ask({
        method: "GET",
        key: "",
        query: {
          "list-type": "2",
          "encoding-type": "url",
          prefix,
          ...(delimiter !== undefined && { delimiter }),
          ...(startAfter !== undefined && { "start-after": startAfter }),
          ...(token !== undefined && { "continuation-token": token }),
        },
        tried: `list ${this.shown(prefix)}`,
        signal,
      });
      const xml = new TextDecoder().decode(answer.bytes);
      // Some services leave them as they are, and say so.
      const plain = texts(xml, "EncodingType")[0] === "url" ? unescaped : unescapedXml;
      const prefixes = [...xml.matchAll(/<CommonPrefixes>([\s\S]*?)<\/CommonPrefixes>/g)]
        .flatMap(([, one]) => texts(one, "Prefix").map(plain));
      yield { keys: texts(xml, "Key").map(plain), prefixes };
      const next = texts(xml, "NextContinuationToken")[0];
      token = texts(xml, "IsTruncated")[0] === "true" && next ? unescapedXml(next) : undefined;
    } while (token !== undefined);
  }

  /**
   * Begins a multipart upload; gives its id.
   *
   * @param options `id`: what the object is known by once it is there, as of {@linkcode create}.
   */
  async beginUpload(key: string, { signal, id }: AskOptions & { id?: string } = {}): Promise<string> {
    const tried = `begin an upload of ${this.shown(key)}`;
    const headers: Record<string, string> = id === undefined ? {} : { "x-amz-meta-id": id };
    const answer = await this.#ask({ method: "POST", key, query: { uploads: "" }, headers, tried, signal });
    const upload = elementOf(answer, "UploadId");
    if (upload) return unescapedXml(upload);
    throw new SmaltiError("IO", `Cannot ${tried}: the service gives no id for it`);
  }

  /** Uploads a part, numbered from 1; all but the last have 5 MiB at least. */
  async uploadPart(
    key: string,
    upload: string,
    number: number,
    bytes: Uint8Array,
    { signal }: AskOptions = {},
  ): Promise<UploadedPart> {
    const answer = await this.#ask({
      method: "PUT",
      key,
      query: { partNumber: String(number), uploadId: upload },
      headers: { "x-amz-checksum-crc32": crcText(bytes) },
      body: bytes as Uint8Array<ArrayBuffer>,
      tried: `upload part ${number} of ${this.shown(key)}`,
      signal,
    });
    return { number, etag: answer.headers.get("ETag") ?? "" };
  }

  /** Makes another object a part, at the service; "unsupported" where it does not do so. */
  async copyPart(
    key: string,
    upload: string,
    number: number,
    from: string,
    { signal }: AskOptions = {},
  ): Promise<UploadedPart | "unsupported"> {
    const source = `/${this.place.bucket}/${from}`.split("/").map(encodeURIComponent).join("/");
    const answer = await this.#ask({
      method: "PUT",
      key,
      query: { partNumber: String(number), uploadId: upload },
      headers: { "x-amz-copy-source": source, ...encryptionHeaders(this.place.options.encryptionKey, true) },
      tried: `copy ${this.shown(from)} as part ${number} of ${this.shown(key)}`,
      expected: [405, 411, 501],
      signal,
    });
    if (answer.status > 299) return "unsupported";
    const etag = elementOf(answer, "ETag");
    if (etag) return { number, etag: unescapedXml(etag) };
    // A copy that fails after it began answers 200 all the same.
    throw new SmaltiError(
      "IO",
      `Cannot copy ${this.shown(from)}: the service answers ${codeOf(answer) || "no ETag"}`,
    );
  }

  /**
   * Ends an upload: the object is there, all at once. False where it is not: something is there that has another ETag than
   * `ifMatch`, or anything where that is "none"; or the upload is gone, as after an end whose answer was lost.
   */
  async completeUpload(
    key: string,
    upload: string,
    parts: readonly UploadedPart[],
    { signal, ifMatch }: AskOptions = {},
  ): Promise<boolean> {
    const list = parts.map(({ number, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`
    ).join("");
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
    const tried = `end the upload of ${this.shown(key)}`;
    const headers: Record<string, string> = { "Content-Type": "application/xml" };
    if (ifMatch === "none") headers["If-None-Match"] = "*";
    else if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
    const query = { uploadId: upload };
    const expected = [404, 412];
    const answer = await this.#ask({ method: "POST", key, query, headers, body, tried, expected, signal });
    if (answer.status > 299) return false;
    // It may fail after it began to answer.
    const code = codeOf(answer);
    if (code !== "") throw new SmaltiError("IO", `Cannot ${tried}: the service answers ${code}`);
    return true;
  }

  /** Gives an upload up; nothing where there is none. */
  async abortUpload(key: string, upload: string, { signal }: AskOptions = {}): Promise<void> {
    const tried = `give up the upload of ${this.shown(key)}`;
    await this.#ask({ method: "DELETE", key, query: { uploadId: upload }, tried, expected: [404], signal });
  }

  /** Uploads under way below a prefix; the first thousand. */
  async uploads(prefix: string, { signal }: AskOptions = {}): Promise<{ key: string; upload: string }[]> {
    const tried = `list the uploads of ${this.shown(prefix)}`;
    const query = { uploads: "", prefix };
    const answer = await this.#ask({ method: "GET", key: "", query, tried, expected: [501], signal });
    if (answer.status === 501) return [];
    const xml = new TextDecoder().decode(answer.bytes);
    return [...xml.matchAll(/<Upload>([\s\S]*?)<\/Upload>/g)].map(([, one]) => ({
      key: unescapedXml(texts(one, "Key")[0] ?? ""),
      upload: unescapedXml(texts(one, "UploadId")[0] ?? ""),
    }));
  }

  async #put(
    key: string,
    bytes: Uint8Array,
    id: string | undefined,
    condition: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<S3Answer> {
    const tried = `write ${this.shown(key)}`;
    const answer = await this.#ask({
      method: "PUT",
      key,
      headers: {
        ...condition,
        "x-amz-checksum-crc32": crcText(bytes),
        ...(id !== undefined && { "x-amz-meta-id": id }),
      },
      body: bytes as Uint8Array<ArrayBuffer>,
      tried,
      expected: [412, ...("If-Match" in condition ? [404] : [])],
      signal,
    });
    if (answer.status === 404) this.#checkBucket(answer, tried);
    return answer;
  }

  async #ask(request: S3Request): Promise<S3Answer> {
    const { method, key, headers } = request;
    // What reads or writes bytes has to tell the key for them; so has the end of an upload where a bucket asks for keys.
    const isOfBytes = key !== "" && method !== "DELETE";
    return await this.#requests.send(
      isOfBytes ? { ...request, headers: { ...headers, ...this.#encryption } } : request,
    );
  }

  /** NOT_FOUND where it is the bucket that is not there. */
  #checkBucket(answer: S3Answer, tried: string): void {
    if (codeOf(answer) !== "NoSuchBucket") return;
    throw new SmaltiError("NOT_FOUND", `Cannot ${tried}: there is no bucket "${this.place.bucket}"`);
  }
}

/** The size of the whole object, by Content-Range. */
function sizeOf({ headers }: S3Answer): number | undefined {
  const size = /\/(\d+)$/.exec(headers.get("Content-Range") ?? "")?.[1];
  return size === undefined ? undefined : Number(size);
}

/** CRC-32 as the service wants it: base64 of four bytes, the highest first. */
function crcText(bytes: Uint8Array): string {
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, crc32(bytes));
  return encodeBase64(crc);
}

function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, text]) => text);
}

/** Keys of a listing, which was asked for with escapes as in URLs. */
function unescaped(text: string): string {
  return decodeURIComponent(unescapedXml(text).replaceAll("+", "%20"));
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapedXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, digits, name) => {
    if (hex || digits) return String.fromCodePoint(parseInt(hex ?? digits, hex ? 16 : 10));
    return ENTITIES[name] ?? whole;
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
