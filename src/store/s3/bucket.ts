/**
 * Objects of a bucket by key: what the rest of the store is built on.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { Slots } from "../../util/slots.ts";
import { crcText } from "./checksum.ts";
import { type S3Place, shownKey } from "./s3_options.ts";
import { type AskOptions, type S3Answer, S3Requests } from "./s3_requests.ts";
import { codeOf, elements, escaped, texts, unescaped, unescapedXml } from "./s3_xml.ts";
import { Uploads } from "./uploads.ts";

/** Keys that a service deletes by one request. */
const MOST_DELETED = 1000;

/** Pieces of up to 8 MiB. */
const LENT_AT_ONCE = 2;

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

/** One page of a listing. */
export interface ListPage {
  /** Keys of objects, in order. */
  readonly keys: readonly string[];
  /** What the keys begin with up to the next `/`, where a delimiter was asked for. */
  readonly prefixes: readonly string[];
}

/** A bucket. Keys are whole, with the place's prefix. */
export class Bucket {
  readonly place: S3Place;
  readonly #requests: S3Requests;
  /** Its multipart uploads. */
  readonly uploads: Uploads;
  /** What is read to be sent again takes turns: files of one rate come to an end at the same time. */
  readonly lent: Slots = new Slots(LENT_AT_ONCE);

  constructor(place: S3Place) {
    this.place = place;
    this.#requests = new S3Requests(place);
    this.uploads = new Uploads(place, this.#requests);
  }

  /** How messages name an object. */
  shown(key: string): string {
    return shownKey(this.place, key);
  }

  /**
   * A range of an object, at least one byte long: fewer bytes where it ends before. "missing" where there is none, "changed"
   * where its ETag is not `ifMatch`, "same" where it still is `unless`. In `into`, which has that length, unless there are fewer.
   */
  async get(
    key: string,
    offset: number,
    length: number,
    options: AskOptions & { unless?: string | undefined; into?: Uint8Array<ArrayBuffer> } = {},
  ): Promise<ObjectPart | "missing" | "changed" | "same"> {
    const answer = await this.#requests.send({
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
      into: options.into,
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
    const { status, headers } = await this.#requests.send({
      method: "HEAD",
      key,
      tried,
      expected: [404],
      signal,
    });
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
        await this.#requests.send({ method: "DELETE", key: some[0], tried, expected: [404], signal });
        continue;
      }
      const objects = some.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join("");
      const body = new TextEncoder().encode(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
      const tried = `remove ${some.length} objects from ${this.shown(some[0])} on`;
      const headers = { "x-amz-checksum-crc32": crcText(body), "Content-Type": "application/xml" };
      const answer = await this.#requests.send({
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
      const answer = await this.#requests.send({
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
      const prefixes = elements(xml, "CommonPrefixes").flatMap((one) => texts(one, "Prefix").map(plain));
      yield { keys: texts(xml, "Key").map(plain), prefixes };
      const next = texts(xml, "NextContinuationToken")[0];
      token = texts(xml, "IsTruncated")[0] === "true" && next ? unescapedXml(next) : undefined;
    } while (token !== undefined);
  }

  async #put(
    key: string,
    bytes: Uint8Array,
    id: string | undefined,
    condition: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<S3Answer> {
    const tried = `write ${this.shown(key)}`;
    const answer = await this.#requests.send({
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
