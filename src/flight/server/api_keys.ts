/**
 * API keys: who may do what.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { SmaltiError } from "../../error.ts";

/** What a key allows; each includes those before it. */
export type Permission = "read" | "write" | "delete" | "manage";

const RANK: readonly Permission[] = ["read", "write", "delete", "manage"];

/** A key that a server accepts. */
export interface ApiKey {
  /** The text that clients send; at least 16 characters. */
  readonly key: string;
  /** What it allows. */
  readonly permission: Permission;
  /** When it ends. @default never */
  readonly expires?: Date;
}

/** Decides whether a request may be done. Throws PERMISSION_DENIED. */
export type Authorize = (key: string | null, permission: Permission | undefined, action: string) => void;

/** Accepts these keys alone. Keys are compared by their hashes, all of them and in constant time, and never shown. */
export function acceptKeys(keys: readonly ApiKey[]): Authorize {
  const known = keys.map(({ key, permission, expires }, i) => {
    const rank = RANK.indexOf(permission);
    if (typeof key !== "string" || key.length < 16) {
      throw new TypeError(`apiKeys[${i}].key is too short: wanted at least 16 characters`);
    }
    if (rank < 0) {
      throw new TypeError(
        `apiKeys[${i}].permission is ${JSON.stringify(permission)}: wanted one of ${RANK.join(", ")}`,
      );
    }
    return { hash: sha256(key), rank, expires };
  });
  return (key, permission, action) => {
    const hash = sha256(key ?? "");
    let found: typeof known[number] | undefined;
    for (const each of known) if (timingSafeEqual(each.hash, hash)) found = each;
    // One text for all that is wrong with the key itself: which it is helps nobody who should know.
    if (key === null || !found || (found.expires && found.expires.getTime() <= Date.now())) {
      throw denied(action, "wanted a valid API key");
    }
    if (permission !== undefined && found.rank < RANK.indexOf(permission)) {
      throw denied(action, `the API key allows ${RANK[found.rank]}, wanted ${permission}`);
    }
  };
}

/** Accepts every request. */
export const acceptAll: Authorize = () => {};

/** Accepts what reads, of what `authorize` accepts. */
export function readOnly(authorize: Authorize): Authorize {
  return (key, permission, action) => {
    authorize(key, permission, action);
    if (permission !== undefined && permission !== "read") throw denied(action, "this server is read-only");
  };
}

function denied(action: string, why: string): SmaltiError {
  return new SmaltiError("PERMISSION_DENIED", `Cannot do ${action}: ${why}`);
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
