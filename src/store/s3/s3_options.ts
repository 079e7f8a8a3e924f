/**
 * Where a bucket is, and how it is asked.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { checkCredentials, type S3CredentialsSource } from "./credentials.ts";

/** Options of `s3:` places. Nothing is taken from the environment. */
export interface S3Options {
  /** The service, as in `https://s3.example.org`. @default Amazon's in the region */
  endpoint?: string;
  /** Where the bucket is, as requests are signed for it. @default "us-east-1" */
  region?: string;
  /**
   * Whether the bucket is the first part of the path in place of the first part of the host. @default true where an endpoint
   * is given, else false
   */
  pathStyle?: boolean;
  /** Keys, or a function that gives and renews them. @default requests are not signed, as public buckets allow */
  credentials?: S3CredentialsSource;
  /** A key of one's own for encryption at the server (SSE-C): 32 bytes, kept by the caller. @default none */
  encryptionKey?: Uint8Array;
  /**
   * Whether to record there too, which needs the rights to. Who follows a sequence that is recorded so needs it as well.
   * @default false
   */
  write?: boolean;
  /** How long a request is tried again before it fails UNAVAILABLE, in milliseconds. @default 60000 */
  retryMs?: number;
}

const S3_OPTIONS: OptionNames<S3Options> = {
  endpoint: true,
  region: true,
  pathStyle: true,
  credentials: true,
  encryptionKey: true,
  write: true,
  retryMs: true,
};

/** What nobody chooses, but for tests. */
export interface S3Limits {
  /** A request is given up after so long, and so much more for each MiB of its body; so is its answer. */
  readonly stalledMs: number;
  readonly msPerMib: number;
  /** Parts that an upload may have. */
  readonly mostParts: number;
}

export const S3_LIMITS: S3Limits = { stalledMs: 30_000, msPerMib: 10_000, mostParts: 10_000 };

/** A bucket, or a part of one, and how it is asked. */
export interface S3Place {
  /** As messages name it: `s3://bucket/prefix/`. */
  readonly url: string;
  readonly bucket: string;
  /** In front of each key: empty, or with a slash at its end. */
  readonly prefix: string;
  /** URL of the bucket's root, with a slash at its end. */
  readonly base: string;
  readonly region: string;
  readonly options: S3Options;
  readonly limits: S3Limits;
}

/** How messages name an object. */
export function shownKey({ bucket }: S3Place, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** Bucket names as Amazon has them; other services have no wider ones. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Reads an `s3:` URL and its options. INVALID_ARGUMENT, UNAUTHENTICATED, TypeError for options that there are not. */
export function s3Place(url: string, options: S3Options = {}): S3Place {
  checkOptions(options, S3_OPTIONS, "Cannot connect with s3");
  const { endpoint, region = "us-east-1", pathStyle = endpoint !== undefined } = options;
  const { credentials, encryptionKey, retryMs } = options;
  const match = /^s3:\/\/([^/?#@]*)(?:\/([^?#]*))?$/i.exec(url);
  if (!match || !BUCKET.test(match[1])) {
    // What stands before an @ may be a secret.
    const shown = url.includes("@") ? "the URL" : `"${url}"`;
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot connect to ${shown}: wanted s3://bucket/prefix`);
  }
  const [, bucket, path = ""] = match;
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.some((part) => part === "." || part === "..")) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot connect to "${url}": wanted a prefix without "." and ".."`,
    );
  }
  const prefix = parts.map((part) => `${part}/`).join("");
  if (credentials && typeof credentials !== "function") checkCredentials(credentials);
  if (encryptionKey !== undefined && !(encryptionKey instanceof Uint8Array && encryptionKey.length === 32)) {
    const seen = encryptionKey instanceof Uint8Array
      ? `has ${encryptionKey.length} bytes`
      : "is no Uint8Array";
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot connect to "${url}": encryptionKey ${seen}, wanted 32 bytes`,
    );
  }
  if (retryMs !== undefined && !(retryMs >= 0)) {
    throw new RangeError(`Cannot connect to "${url}": retryMs is ${retryMs}, wanted milliseconds from 0 on`);
  }
  const amazon = `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const base = baseOf(url, endpoint ?? amazon, bucket, pathStyle);
  return { url: `s3://${bucket}/${prefix}`, bucket, prefix, base, region, options, limits: S3_LIMITS };
}

function baseOf(url: string, endpoint: string, bucket: string, pathStyle: boolean): string {
  const at = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!at || !/^https?:$/.test(at.protocol) || at.username !== "" || at.search !== "" || at.hash !== "") {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot connect to "${url}": wanted an endpoint as in https://s3.example.org`,
    );
  }
  const path = at.pathname.endsWith("/") ? at.pathname : `${at.pathname}/`;
  return pathStyle ? `${at.origin}${path}${bucket}/` : `${at.protocol}//${bucket}.${at.host}${path}`;
}
