/**
 * A profile out of `~/.aws/credentials` and `~/.aws/config`.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SmaltiError } from "../../error.ts";
import { fileError } from "../../store/directory/file_error.ts";
import type { Environment } from "./variables.ts";

/** Settings by name, in lower case. Those of nested groups are left out. */
export type Profile = Readonly<Record<string, string | undefined>>;

/** Which profile is meant. */
export function profileName(env: Environment): string {
  return env.AWS_PROFILE || "default";
}

/**
 * The profile that the environment names; empty where nothing is set up. NOT_FOUND where it was named and is in no file;
 * PERMISSION_DENIED, IO where a file cannot be read.
 */
export async function readProfile(env: Environment): Promise<Profile> {
  const name = profileName(env);
  const home = env.HOME || env.USERPROFILE || homedir();
  const config = env.AWS_CONFIG_FILE || join(home, ".aws", "config");
  const credentials = env.AWS_SHARED_CREDENTIALS_FILE || join(home, ".aws", "credentials");
  const isWanted = Boolean(env.AWS_PROFILE || env.AWS_CONFIG_FILE || env.AWS_SHARED_CREDENTIALS_FILE);
  const ofConfig = sectionOf(await textOf(config, isWanted), name === "default" ? name : `profile ${name}`);
  const ofCredentials = sectionOf(await textOf(credentials, isWanted), name);
  if (env.AWS_PROFILE && !ofConfig && !ofCredentials) {
    const text = `There is no profile "${name}" in ${config} or ${credentials}`;
    throw new SmaltiError("NOT_FOUND", `${text}: wanted AWS_PROFILE with one that is there`);
  }
  return { ...ofConfig, ...ofCredentials };
}

/** Empty where there is no such file, or nobody asked for it and it may not be read. */
async function textOf(path: string, isWanted: boolean): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (reason) {
    const error = fileError(reason, "read", path);
    if (error.code === "NOT_FOUND" || error.code === "PERMISSION_DENIED" && !isWanted) return "";
    throw error;
  }
}

/** A section of an INI file; undefined where it has none. */
function sectionOf(text: string, wanted: string): Profile | undefined {
  let found: Record<string, string> | undefined;
  let isWanted = false;
  for (const line of text.split(/\r?\n/)) {
    const [, section] = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line) ?? [];
    if (section !== undefined) {
      isWanted = section.replace(/\s+/g, " ") === wanted;
      if (isWanted) found ??= {};
      continue;
    }
    // What is indented belongs to a group, such as `s3 =`.
    const [, name, value] = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isWanted && name !== undefined) found![name.toLowerCase()] = value.replace(/\s[#;].*$/, "");
  }
  return found;
}
