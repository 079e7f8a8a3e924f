/**
 * Multipart uploads: an object of many parts, which is there all at once when the upload is ended.
 *
 * Source: Amazon S3 API Reference, CreateMultipartUpload and what is around it.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { encryptionHeaders } from "./encryption.ts";
import { crcText } from "./checksum.ts";
import { type S3Place, shownKey } from "./s3_options.ts";
import type { AskOptions, S3Requests } from "./s3_requests.ts";
import { codeOf, elementOf, elements, escaped, texts, unescapedXml } from "./s3_xml.ts";

/** A part of a multipart upload. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

/** A range of an object. */
export interface CopiedRange {
  readonly object: { readonly key: string; readonly size: number; readonly etag: string | undefined };
  readonly offset: number;
  readonly length: number;
}

/** The uploads of a bucket. Keys are whole, with the place's prefix. */
export class Uploads {
  readonly #place: S3Place;
  readonly #requests: S3Requests;

  constructor(place: S3Place, requests: S3Requests) {
    this.#place = place;
    this.#requests = requests;
  }

  /**
   * Begins a multipart upload; gives its id.
   *
   * @param options `id`: what the object is known by once it is there, as of {@linkcode create}.
   */
  async begin(key: string, { signal, id }: AskOptions & { id?: string } = {}): Promise<string> {
    const tried = `begin an upload of ${this.#shown(key)}`;
    const headers: Record<string, string> = id === undefined ? {} : { "x-amz-meta-id": id };
    const answer = await this.#requests.send({
      method: "POST",
      key,
      query: { uploads: "" },
      headers,
      tried,
      signal,
    });
    const upload = elementOf(answer, "UploadId");
    if (upload) return unescapedXml(upload);
    throw new SmaltiError("IO", `Cannot ${tried}: the service gives no id for it`);
  }

  /** Uploads a part, numbered from 1; all but the last have 5 MiB at least. */
  async sendPart(
    key: string,
    upload: string,
    number: number,
    bytes: Uint8Array,
    { signal }: AskOptions = {},
  ): Promise<UploadedPart> {
    const answer = await this.#requests.send({
      method: "PUT",
      key,
      query: { partNumber: String(number), uploadId: upload },
      headers: { "x-amz-checksum-crc32": crcText(bytes) },
      body: bytes as Uint8Array<ArrayBuffer>,
      tried: `upload part ${number} of ${this.#shown(key)}`,
      signal,
    });
    return { number, etag: answer.headers.get("ETag") ?? "" };
  }

  /** Makes a range of another object a part, at the service; "unsupported" where it does not do so. */
  async copyPart(
    key: string,
    upload: string,
    number: number,
    { object, offset, length }: CopiedRange,
    { signal }: AskOptions = {},
  ): Promise<UploadedPart | "unsupported"> {
    const source = `/${this.#place.bucket}/${object.key}`.split("/").map(encodeURIComponent).join("/");
    const answer = await this.#requests.send({
      method: "PUT",
      key,
      query: { partNumber: String(number), uploadId: upload },
      headers: {
        "x-amz-copy-source": source,
        ...(length < object.size && { "x-amz-copy-source-range": `bytes=${offset}-${offset + length - 1}` }),
        ...(object.etag !== undefined && { "x-amz-copy-source-if-match": object.etag }),
        ...encryptionHeaders(this.#place.options.encryptionKey, true),
      },
      tried: `copy ${this.#shown(object.key)} as part ${number} of ${this.#shown(key)}`,
      expected: [405, 411, 501],
      signal,
    });
    if (answer.status > 299) return "unsupported";
    const etag = elementOf(answer, "ETag");
    if (etag) return { number, etag: unescapedXml(etag) };
    // A copy that fails after it began answers 200 all the same.
    throw new SmaltiError(
      "IO",
      `Cannot copy ${this.#shown(object.key)}: the service answers ${codeOf(answer) || "no ETag"}`,
    );
  }

  /**
   * Ends an upload: the object is there, all at once. False where it is not: something is there that has another ETag than
   * `ifMatch`, or anything where that is "none"; or the upload is gone, as after an end whose answer was lost.
   */
  async complete(
    key: string,
    upload: string,
    parts: readonly UploadedPart[],
    { signal, ifMatch }: AskOptions = {},
  ): Promise<boolean> {
    const list = parts.map(({ number, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`
    ).join("");
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
    const tried = `end the upload of ${this.#shown(key)}`;
    const headers: Record<string, string> = { "Content-Type": "application/xml" };
    if (ifMatch === "none") headers["If-None-Match"] = "*";
    else if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
    const query = { uploadId: upload };
    const expected = [404, 412];
    const answer = await this.#requests.send({
      method: "POST",
      key,
      query,
      headers,
      body,
      tried,
      expected,
      signal,
    });
    if (answer.status > 299) return false;
    // It may fail after it began to answer.
    const code = codeOf(answer);
    if (code !== "") throw new SmaltiError("IO", `Cannot ${tried}: the service answers ${code}`);
    return true;
  }

  /** Gives an upload up; nothing where there is none. */
  async abort(key: string, upload: string, { signal }: AskOptions = {}): Promise<void> {
    const tried = `give up the upload of ${this.#shown(key)}`;
    await this.#requests.send({
      method: "DELETE",
      key,
      query: { uploadId: upload },
      tried,
      expected: [404],
      signal,
    });
  }

  /** Uploads under way below a prefix; the first thousand. */
  async list(prefix: string, { signal }: AskOptions = {}): Promise<{ key: string; upload: string }[]> {
    const tried = `list the uploads of ${this.#shown(prefix)}`;
    const query = { uploads: "", prefix };
    const answer = await this.#requests.send({
      method: "GET",
      key: "",
      query,
      tried,
      expected: [501],
      signal,
    });
    if (answer.status === 501) return [];
    const xml = new TextDecoder().decode(answer.bytes);
    return elements(xml, "Upload").map((one) => ({
      key: unescapedXml(texts(one, "Key")[0] ?? ""),
      upload: unescapedXml(texts(one, "UploadId")[0] ?? ""),
    }));
  }

  /** Parts of an upload, by their numbers, with their sizes. */
  async parts(
    key: string,
    upload: string,
    { signal }: AskOptions = {},
  ): Promise<(UploadedPart & { readonly size: number })[]> {
    const parts = [];
    const tried = `list the parts of ${this.#shown(key)}`;
    let marker: string | undefined = "0";
    while (marker !== undefined) {
      const query: Record<string, string> = { uploadId: upload, "part-number-marker": marker };
      const xml = new TextDecoder().decode(
        (await this.#requests.send({ method: "GET", key, query, tried, signal })).bytes,
      );
      for (const one of elements(xml, "Part")) {
        const [number, etag, size] = ["PartNumber", "ETag", "Size"].map((name) => texts(one, name)[0] ?? "");
        parts.push({ number: Number(number), etag: unescapedXml(etag), size: Number(size) });
      }
      const next: string | undefined = texts(xml, "NextPartNumberMarker")[0];
      marker = texts(xml, "IsTruncated")[0] === "true" && next !== marker ? next : undefined;
    }
    return parts;
  }

  #shown(key: string): string {
    return shownKey(this.#place, key);
  }
}
