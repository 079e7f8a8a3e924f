/**
 * Credentials that end, from the services that give them: for a web identity, a container, an instance.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { SmaltiError } from "../../error.ts";
import type { S3Credentials } from "../../store/s3/credentials.ts";
import { fileError } from "../../store/directory/file_error.ts";
import { type Environment, isYes } from "./variables.ts";

/** What a web identity is made of. */
export interface WebIdentity {
  /** The file with the token, which is written anew from time to time. */
  tokenFile: string;
  role: string;
  session?: string | undefined;
}

/** How long services nearby, and those far away, may take, ms. */
const NEAR_MS = 2_000;
const FAR_MS = 20_000;
/** Where containers are told, by plain HTTP: nothing else may see the token. */
const CONTAINER_HOSTS = /^(localhost|127(\.\d+){3}|\[::1\]|169\.254\.170\.(2|23)|\[fd00:ec2::23\])$/;
const SIX_HOURS_S = 6 * 3600;

/** By STS, AssumeRoleWithWebIdentity. */
export async function fromWebIdentity(
  { tokenFile, role, session = `smalti-${Date.now()}` }: WebIdentity,
  env: Environment,
  region: string | undefined,
): Promise<S3Credentials> {
  const what = `credentials for role ${role}`;
  const domain = region?.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const url = env.AWS_ENDPOINT_URL_STS || env.AWS_ENDPOINT_URL ||
    `https://sts.${region === undefined ? "" : `${region}.`}${domain}/`;
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: session,
    WebIdentityToken: await readToken(tokenFile),
  });
  const text = await ask(what, url, FAR_MS, { method: "POST", body });
  const element = (name: string) => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(text)?.[1];
  return checked(what, url, {
    AccessKeyId: element("AccessKeyId"),
    SecretAccessKey: element("SecretAccessKey"),
    Token: element("SessionToken"),
    Expiration: element("Expiration"),
  });
}

/** What asks the service of a container; undefined where none is named. INVALID_ARGUMENT where it may not be asked. */
export function fromContainer(env: Environment): (() => Promise<S3Credentials>) | undefined {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const url = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!url) return undefined;
  const at = URL.canParse(url) ? new URL(url) : undefined;
  if (!at || !(at.protocol === "https:" || at.protocol === "http:" && CONTAINER_HOSTS.test(at.hostname))) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      "Cannot use AWS_CONTAINER_CREDENTIALS_FULL_URI: wanted https:, or a service of this machine",
    );
  }
  return async () => {
    const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: text } = env;
    const token = file ? await readToken(file) : text;
    const what = "credentials of the container";
    const headers: Record<string, string> = token ? { Authorization: token } : {};
    return checked(what, at.origin, parse(await ask(what, url, NEAR_MS, { headers })));
  };
}

/** Those of the instance's role, by its metadata service (IMDSv2). */
export async function fromInstance(env: Environment): Promise<S3Credentials> {
  const none = new SmaltiError(
    "UNAUTHENTICATED",
    "There are no credentials for the object store: wanted AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, " +
      "or AWS_NO_SIGN_REQUEST=yes for a public bucket",
  );
  if (isYes(env.AWS_EC2_METADATA_DISABLED)) throw none;
  const base = (env.AWS_EC2_METADATA_SERVICE_ENDPOINT || "http://169.254.169.254").replace(/\/$/, "");
  const what = "credentials of the instance";
  let token: string;
  try {
    token = await ask(what, `${base}/latest/api/token`, NEAR_MS, {
      method: "PUT",
      headers: { "X-aws-ec2-metadata-token-ttl-seconds": `${SIX_HOURS_S}` },
    });
  } catch {
    throw none; // most machines are no such instances
  }
  const options = { headers: { "X-aws-ec2-metadata-token": token } };
  const roles = `${base}/latest/meta-data/iam/security-credentials/`;
  const role = (await ask(what, roles, NEAR_MS, options)).trim().split("\n")[0];
  return checked(what, roles, parse(await ask(what, roles + encodeURIComponent(role), NEAR_MS, options)));
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (reason) {
    throw fileError(reason, "read", path);
  }
}

/** The text of an answer. UNAUTHENTICATED, saying neither what was asked with nor what came: both may be secret. */
async function ask(what: string, url: string, ms: number, init: RequestInit): Promise<string> {
  const refuse = (text: string, cause?: unknown) =>
    new SmaltiError("UNAUTHENTICATED", `Cannot get ${what} from ${shown(url)}: ${text}`, { cause });
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(ms) });
    text = await response.text();
  } catch (reason) {
    throw refuse("it does not answer", reason);
  }
  if (response.ok) return text;
  const code = /<Code>(\w{1,64})<\/Code>|"code"\s*:\s*"(\w{1,64})"/i.exec(text);
  throw refuse(`it answers ${[response.status, code?.[1] ?? code?.[2]].filter(Boolean).join(" ")}`);
}

/** As containers and instances tell them. */
type Told = Partial<Record<"AccessKeyId" | "SecretAccessKey" | "Token" | "Expiration", unknown>>;

function parse(text: string): Told {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function checked(what: string, url: string, told: Told): S3Credentials {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = told;
  const expiration = told.Expiration === undefined ? undefined : new Date(String(told.Expiration));
  const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
  if (isText(accessKeyId) && isText(secretAccessKey) && !Number.isNaN(expiration?.getTime())) {
    return {
      accessKeyId,
      secretAccessKey,
      ...(isText(sessionToken) && { sessionToken }),
      ...(expiration && { expiration }),
    };
  }
  throw new SmaltiError(
    "UNAUTHENTICATED",
    `Cannot get ${what} from ${shown(url)}: its answer has none, wanted keys and when they end`,
  );
}

/** A URL without what may be secret. */
function shown(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "a URL that cannot be read";
}
