/**
 * Requests to an S3-compatible service: signed (AWS Signature Version 4), answered whole, and tried again where that may help.
 *
 * @module
 */
import { codeOf, elementOf } from "./s3_xml.ts";
import { AwsV4Signer } from "aws4fetch";
import { type ErrorCode, SmaltiError } from "../../error.ts";
import { isBrowser } from "../../util/is_browser.ts";
import { responseBytes } from "../../util/response_bytes.ts";
import { requestBody } from "../../util/request_body.ts";
import { causesText } from "../../util/causes_text.ts";
import { pause } from "../../util/pause.ts";
import { CredentialsKeeper, type S3Credentials } from "./credentials.ts";
import { encryptionHeaders } from "./encryption.ts";
import type { S3Limits, S3Place } from "./s3_options.ts";

/** What is asked. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The object's key; the bucket itself where it is empty. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** What is tried, for messages: `read s3://bucket/key`. */
  readonly tried: string;
  /** Statuses that the caller understands, beside those of success. */
  readonly expected?: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Where the answer's bytes go that are as many. */
  readonly into?: Uint8Array<ArrayBuffer> | undefined;
}

/** What came, all of it. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a service calls its errors. */
const CODES: Record<string, ErrorCode> = {
  AccessDenied: "PERMISSION_DENIED",
  ExpiredToken: "UNAUTHENTICATED",
  InvalidAccessKeyId: "UNAUTHENTICATED",
  InvalidToken: "UNAUTHENTICATED",
  NoSuchBucket: "NOT_FOUND",
  NoSuchKey: "NOT_FOUND",
  NotImplemented: "UNSUPPORTED",
  RequestTimeTooSkewed: "UNAUTHENTICATED",
  SignatureDoesNotMatch: "UNAUTHENTICATED",
};
const STATUS_CODES: Record<number, ErrorCode> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  501: "UNSUPPORTED",
};
/** What may go well the next time: a body that came too slowly; a conflict that is under way, which is not "exists". */
const AGAIN = new Set(["ConditionalRequestConflict", "OperationAborted", "RequestTimeout"]);
const EXPIRED = new Set(["ExpiredToken", "TokenRefreshRequired", "InvalidToken"]);
const BUSY = new Set([408, 429, 500, 502, 503, 504]);

/** Waits double from the first to the last of these, each shortened at random ("full jitter"). */
const LEAST_WAIT_MS = 100;
const MOST_WAIT_MS = 5_000;
/** A service that wants to be left alone for longer is asked after this. */
const MOST_TOLD_MS = 30_000;
const RETRY_MS = 60_000;

/** Options of a request. */
export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** The object must have this ETag: else the call gives undefined, or "changed". */
  ifMatch?: string | undefined;
}

/** One service, asked on behalf of one client. */
export class S3Requests {
  readonly #place: S3Place;
  readonly #credentials: CredentialsKeeper;
  readonly #retryMs: number;
  readonly #encryption: Readonly<Record<string, string>>;
  /** Keys derived for signing, by day. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();
  /** How far the service's clock is ahead of ours, ms. */
  #aheadMs = 0;

  constructor(place: S3Place) {
    this.#place = place;
    this.#credentials = new CredentialsKeeper(place.options.credentials);
    this.#retryMs = place.options.retryMs ?? RETRY_MS;
    this.#encryption = encryptionHeaders(place.options.encryptionKey);
  }

  /**
   * The answer, whatever its status among those expected. UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, UNSUPPORTED, IO;
   * UNAVAILABLE where the service still failed after some time.
   */
  async send(request: S3Request): Promise<S3Answer> {
    const { method, key, headers } = request;
    // What reads or writes bytes has to tell the key for them; so has the end of an upload where a bucket asks for keys.
    if (key !== "" && method !== "DELETE") {
      request = { ...request, headers: { ...headers, ...this.#encryption } };
    }
    const startMs = performance.now();
    let [renewed, adjusted] = [false, false];
    for (let retries = 0;; retries++) {
      request.signal?.throwIfAborted();
      const credentials = await this.#credentials.get();
      let failure: SmaltiError;
      let toldMs = 0;
      try {
        const answer = await this.#ask(request, credentials);
        const { status } = answer;
        const isGood = status >= 200 && status < 300 || request.expected?.includes(status);
        const told = isGood && status !== 409 ? "" : await this.#codeOf(request, answer, credentials);
        if (told === undefined && !renewed) {
          renewed = true;
          continue;
        }
        const code = told ?? "";
        if (isGood && !AGAIN.has(code)) return answer;
        if (EXPIRED.has(code) && !renewed && this.#credentials.renew(credentials)) {
          renewed = true;
          continue;
        }
        if (code === "RequestTimeTooSkewed" && !adjusted && this.#adjust(answer)) {
          adjusted = true;
          continue;
        }
        failure = this.#refused(request, answer, code);
        if (!BUSY.has(status) && !AGAIN.has(code)) throw failure;
        toldMs = Math.min(MOST_TOLD_MS, this.#retryAfterMs(answer));
      } catch (reason) {
        if (reason instanceof SmaltiError) throw reason;
        request.signal?.throwIfAborted();
        const text = `Cannot ${request.tried}: the service cannot be reached, or went away: ${
          causesText(reason)
        }`;
        failure = new SmaltiError("UNAVAILABLE", text, { cause: reason });
      }
      const waitMs = toldMs + Math.random() * Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * 2 ** retries);
      if (performance.now() - startMs + waitMs > this.#retryMs) throw failure;
      await pause(waitMs, request.signal ?? new AbortController().signal);
    }
  }

  async #ask(
    { method, key, query = {}, headers = {}, body, signal, into }: S3Request,
    credentials: S3Credentials | undefined,
  ): Promise<S3Answer> {
    const url = new URL(this.#place.base + key.split("/").map(encodeURIComponent).join("/"));
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = credentials ? await this.#sign(method, url, headers, credentials) : new Headers(headers);
    // A range of a compressed object is of no use. Not signed: what is on the way may change it, and browsers do not let it be set.
    signed.set("Accept-Encoding", "identity");
    return await patiently(this.#place.limits, signal, async (signal, wait) => {
      wait(body?.length ?? 0);
      const response = await fetch(url, {
        method,
        headers: signed,
        ...(body && requestBody(body, signed)),
        signal,
        ...(isBrowser() && { cache: "no-store" }),
      });
      const { status, headers } = response;
      wait(method === "HEAD" ? 0 : Number(headers.get("Content-Length")));
      return { status, headers, bytes: await responseBytes(response, into) };
    });
  }

  /**
   * What the service calls an error. The answer to HEAD has no body to say so: GET is asked why then. Undefined where that is
   * answered otherwise: the reason has gone, as where others have renewed the credentials.
   */
  async #codeOf(
    request: S3Request,
    answer: S3Answer,
    credentials: S3Credentials | undefined,
  ): Promise<string | undefined> {
    const { status } = answer;
    if (request.method !== "HEAD" || (status !== 400 && status !== 403)) return codeOf(answer);
    const headers = { ...request.headers, Range: "bytes=0-0" };
    const told = await this.#ask({ ...request, method: "GET", headers }, credentials);
    return told.status === status ? codeOf(told) : undefined;
  }

  async #sign(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    { accessKeyId, secretAccessKey, sessionToken }: S3Credentials,
  ): Promise<Headers> {
    const now = new Date(Date.now() + this.#aheadMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
    if (this.#signingKeys.size > 8) this.#signingKeys.clear();
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: "s3",
      region: this.#place.region,
      cache: this.#signingKeys,
      datetime: now,
    });
    return (await signer.sign()).headers;
  }

  /** Takes the time of the service; false where it does not tell. */
  #adjust({ headers }: S3Answer): boolean {
    const theirs = Date.parse(headers.get("Date") ?? "");
    if (Number.isNaN(theirs)) return false;
    this.#aheadMs = theirs - Date.now();
    return true;
  }

  /** For how long the service wants to be left alone: seconds, or a time by its own clock. 0 where it does not tell. */
  #retryAfterMs({ headers }: S3Answer): number {
    const told = headers.get("Retry-After") ?? "";
    if (/^\d+$/.test(told)) return 1000 * Number(told);
    const until = Date.parse(told);
    const theirs = Date.parse(headers.get("Date") ?? "");
    const now = Number.isNaN(theirs) ? Date.now() + this.#aheadMs : theirs;
    return Number.isNaN(until) ? 0 : Math.max(0, until - now);
  }

  #refused({ tried }: S3Request, answer: S3Answer, code: string): SmaltiError {
    const { status, headers } = answer;
    const region = headers.get("x-amz-bucket-region");
    const hint = region !== null && region !== this.#place.region && (status === 301 || status === 400)
      ? `; the bucket is in region ${region}, wanted that as region in place of ${this.#place.region}`
      : "";
    const said = [code, elementOf(answer, "Message")].filter(Boolean).join(": ");
    const kind = CODES[code] ?? STATUS_CODES[status] ??
      (BUSY.has(status) || AGAIN.has(code) ? "UNAVAILABLE" : "IO");
    return new SmaltiError(
      kind,
      `Cannot ${tried}: the service answers ${status}${said && ` ${said}`}${hint}`,
    );
  }
}

/**
 * Runs what may stall: its signal aborts with `signal`, and when more time has passed than bytes take that it last called `wait`
 * with.
 */
async function patiently<R>(
  { stalledMs, msPerMib }: S3Limits,
  signal: AbortSignal | undefined,
  body: (signal: AbortSignal, wait: (bytes: number) => void) => Promise<R>,
): Promise<R> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal!.reason);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (bytes: number) => {
    clearTimeout(timer);
    const ms = stalledMs + bytes / 2 ** 20 * msPerMib;
    timer = setTimeout(() => controller.abort(new Error(`nothing came in ${Math.round(ms / 1000)} s`)), ms);
  };
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  try {
    return await body(controller.signal, wait);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
