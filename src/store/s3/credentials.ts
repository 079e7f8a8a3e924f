/**
 * Who asks an object store: keys that are given, or a function that gets and renews them.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { show } from "../../util/show.ts";

/** Keys of an S3-compatible service. They are sent as a signature alone, and appear in no message. */
export interface S3Credentials {
  /** Which key it is: may be known to others. */
  accessKeyId: string;
  /** The secret of it. */
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string;
  /** When they end; they are asked for anew a minute before. @default never */
  expiration?: Date;
}

/** Credentials, or what gives them: it is called again when they are about to end, or were refused as expired. */
export type S3CredentialsSource = S3Credentials | (() => S3Credentials | Promise<S3Credentials>);

/** So long before they end credentials are renewed: a request must not outlive them. */
const EARLY_MS = 60_000;

/** Credentials as they are at hand; renewed once, however many ask meanwhile. */
export class CredentialsKeeper {
  readonly #source: S3CredentialsSource | undefined;
  #held: S3Credentials | undefined;
  #asked: Promise<S3Credentials> | undefined;

  /** @param source Undefined for requests without a signature, which public buckets answer. */
  constructor(source: S3CredentialsSource | undefined) {
    this.#source = source;
  }

  /** What to sign with; undefined where nothing is signed. UNAUTHENTICATED where they cannot be had. */
  async get(): Promise<S3Credentials | undefined> {
    const source = this.#source;
    if (typeof source !== "function") return source;
    const held = this.#held;
    if (held && !(held.expiration && held.expiration.getTime() - Date.now() < EARLY_MS)) return held;
    this.#asked ??= this.#ask(source).finally(() => this.#asked = undefined);
    return await this.#asked;
  }

  /** Whether it makes sense to ask once more, after a server refused `refused` as expired: others may have come since. */
  renew(refused: S3Credentials | undefined): boolean {
    if (typeof this.#source !== "function") return false;
    if (this.#held === refused) this.#held = undefined;
    return true;
  }

  async #ask(source: () => S3Credentials | Promise<S3Credentials>): Promise<S3Credentials> {
    let found: S3Credentials;
    try {
      found = await source();
    } catch (cause) {
      if (cause instanceof SmaltiError) throw cause;
      const text = `Cannot get credentials for the object store: ${(cause as Error)?.message ?? show(cause)}`;
      throw new SmaltiError("UNAUTHENTICATED", text, { cause });
    }
    checkCredentials(found);
    return this.#held = found;
  }
}

/** Throws UNAUTHENTICATED for what are none. Says nothing of what they are. */
export function checkCredentials(found: S3Credentials): void {
  const { accessKeyId, secretAccessKey, sessionToken = "" } = Object(found) as Partial<S3Credentials>;
  const wanted = (text: unknown) => typeof text === "string";
  if (wanted(accessKeyId) && wanted(secretAccessKey) && wanted(sessionToken) && accessKeyId !== "") return;
  const text =
    "Cannot use the credentials for the object store: wanted { accessKeyId, secretAccessKey } of strings";
  throw new SmaltiError("UNAUTHENTICATED", text);
}
