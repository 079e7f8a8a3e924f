/**
 * What `smalti serve` reads from files.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";
import type { ApiKey, Permission } from "../flight/server/mod.ts";

/** A file's text. NOT_FOUND, PERMISSION_DENIED, IO. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (reason) {
    throw fileError(reason, "read", path);
  }
}

/** The API keys of a file. INVALID_ARGUMENT, which never shows what stands there: it may be a key. */
export async function readApiKeys(path: string): Promise<ApiKey[]> {
  const text = await readText(path);
  const refuse = (what: string) =>
    new SmaltiError("INVALID_ARGUMENT", `Cannot take API keys from ${path}: ${what}`);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refuse("it is not JSON");
  }
  if (!Array.isArray(list) || list.length === 0) throw refuse("wanted a list with at least one key");
  return list.map((item, i): ApiKey => {
    const { key, permission, expires } = (item ?? {}) as Record<string, unknown>;
    if (typeof key !== "string" || key.length < 16) {
      throw refuse(`entry ${i} has no "key" of at least 16 characters`);
    }
    if (!["read", "write", "delete", "manage"].includes(permission as string)) {
      throw refuse(`entry ${i} has no "permission" of read, write, delete, manage`);
    }
    if (expires === undefined) return { key, permission: permission as Permission };
    const date = new Date(String(expires));
    if (Number.isNaN(date.getTime())) throw refuse(`entry ${i} has an "expires" that is no date`);
    return { key, permission: permission as Permission, expires: date };
  });
}
