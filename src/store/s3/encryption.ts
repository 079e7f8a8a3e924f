/**
 * Encryption at the service by a key of the caller's own (SSE-C): the headers that tell the key, each time.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { encodeBase64 } from "../../util/base64.ts";
import { builtin } from "../../util/builtin.ts";

/** What is used of Node's module. */
interface NodeCrypto {
  createHash?(name: "md5"): { update(bytes: Uint8Array): { digest(): Uint8Array } };
}

/**
 * The headers for an object, or, with `copied`, for the one that it is copied from. Empty where there is no key; UNSUPPORTED
 * where the runtime has no MD5, which the services want of the key and WebCrypto lacks.
 */
export function encryptionHeaders(key: Uint8Array | undefined, copied = false): Record<string, string> {
  if (!key) return {};
  const { createHash } = builtin<NodeCrypto>("node:crypto");
  if (!createHash) {
    throw new SmaltiError(
      "UNSUPPORTED",
      "Cannot use encryptionKey: this runtime has no MD5, wanted Deno, Bun, Node, or workerd with nodejs_compat",
    );
  }
  const name = `x-amz-${copied ? "copy-source-" : ""}server-side-encryption-customer`;
  return {
    [`${name}-algorithm`]: "AES256",
    [`${name}-key`]: encodeBase64(key),
    [`${name}-key-MD5`]: encodeBase64(createHash("md5").update(key).digest()),
  };
}
