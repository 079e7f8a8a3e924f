/**
 * An object store with a proxy before it, and clients that write there as different processes do.
 *
 * @module
 */
import { type Client, connect } from "../../mod.ts";
import { S3Store } from "../../src/store/s3/s3_store.ts";
import { S3_LIMITS, type S3Limits, type S3Options, s3Place } from "../../src/store/s3/s3_options.ts";
import { LOG_TIMING, type LogTiming } from "../../src/store/s3/write_ahead_log.ts";
import { type S3Asked, S3Proxy } from "./s3_proxy.ts";
import { S3Server, type S3ServerName } from "./s3_server.ts";

/** Who was silent for any time at all is gone. */
export const IMPATIENT: LogTiming = { ...LOG_TIMING, silentMs: 0 };
/** Makes sure of its lock after any silence. */
export const DISTRUSTFUL: LogTiming = { ...LOG_TIMING, trustedMs: -1 };

/** How the clients of a place act. */
export interface ClientsOptions {
  /** Of the first. @default as users have it */
  first?: LogTiming;
  /** Of the second. @default takes over at once */
  second?: LogTiming;
  /** Of the first. @default 2000 */
  retryMs?: number;
  /** Whom the second asks. @default the server itself */
  secondEndpoint?: string;
  /** More options of the first; the second has its `encryptionKey` too. */
  s3?: S3Options;
  /** Of the first. */
  limits?: Partial<S3Limits>;
}

/** Places so far, of all stages. */
let places = 0;

/** See the module. */
export class S3Stage {
  readonly server: S3Server;
  readonly proxy: S3Proxy;

  private constructor(server: S3Server, proxy: S3Proxy) {
    this.server = server;
    this.proxy = proxy;
  }

  static async start(name: S3ServerName): Promise<S3Stage> {
    return await S3Stage.before(await S3Server.start(name));
  }

  /** One of several before a server, which is stopped by one of them. */
  static async before(server: S3Server): Promise<S3Stage> {
    return new S3Stage(server, await S3Proxy.start(server.endpoint));
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.server.stop();
  }

  /** The prefix of a place that nobody has used, which ends with a slash. */
  newPrefix(): string {
    this.proxy.asked.length = 0;
    this.proxy.trick = () => undefined;
    return `writing-${++places}/`;
  }

  /** A new place for two processes, of which the first asks by way of the proxy. */
  async withClients(
    body: (first: Client, second: Client, prefix: string) => Promise<void>,
    options: ClientsOptions = {},
  ): Promise<void> {
    const { first: own = LOG_TIMING, second: others = IMPATIENT, retryMs = 2000, s3, limits } = options;
    const prefix = this.newPrefix();
    const asked = this.server.options({ endpoint: this.proxy.endpoint, retryMs, ...s3 });
    const place = s3Place(this.server.url(prefix), asked);
    await using first = await connect(new S3Store({ ...place, limits: { ...S3_LIMITS, ...limits } }, own));
    const { encryptionKey } = s3 ?? {};
    const { secondEndpoint: endpoint } = options;
    const more = { ...encryptionKey && { encryptionKey }, ...endpoint !== undefined && { endpoint } };
    await using second = await this.client(prefix, others, more);
    await body(first, second, prefix);
  }

  /** A client of a place that asks the server itself, unless told. */
  async client(prefix: string, timing: LogTiming = IMPATIENT, s3: S3Options = {}): Promise<Client> {
    return await connect(new S3Store(s3Place(this.server.url(prefix), this.server.options(s3)), timing));
  }

  /** Runs an action of a client whose requests fail from one of them on; whether it came to its end before. */
  async dieWithin(
    requests: number,
    action: (client: Client) => Promise<unknown>,
    prefix: string,
  ): Promise<boolean> {
    const { proxy } = this;
    const before = proxy.asked.length;
    let isDone = true;
    proxy.trick = (_, count) => {
      if (count - before < requests) return;
      isDone = false;
      return { status: 403 };
    };
    const client = await this.client(prefix, IMPATIENT, { endpoint: proxy.endpoint, retryMs: 200 });
    await action(client).catch(() => isDone = false);
    await client.close();
    proxy.trick = () => undefined;
    return isDone;
  }

  async keysBelow(prefix: string): Promise<string[]> {
    const all: string[] = [];
    for await (const { keys } of this.server.open().list(prefix)) all.push(...keys);
    return all;
  }

  /** Whole objects below a prefix whose keys end so, by what follows the prefix. */
  async objectsBelow(prefix: string, end: string): Promise<Record<string, Uint8Array>> {
    const found: Record<string, Uint8Array> = {};
    for (const key of await this.keysBelow(prefix)) {
      if (!key.endsWith(end)) continue;
      const part = await this.server.open().get(key, 0, 2 ** 30);
      if (typeof part === "object") found[key.slice(prefix.length)] = part.bytes;
    }
    return found;
  }
}

/** Whether a request writes a record of a log. */
export function isRecord({ method, url }: S3Asked): boolean {
  return method === "PUT" && /sequence\.wal\/\d+-[^/]*\/\d+/.test(url);
}

/** Whether a request writes the manifest of sequence "s". */
export function isManifest({ method, url }: S3Asked): boolean {
  return method === "PUT" && url.endsWith("/s/sequence.json");
}

/** Whether a request ends a multipart upload. */
export function isComplete({ method, url }: S3Asked): boolean {
  return method === "POST" && url.includes("uploadId=");
}
