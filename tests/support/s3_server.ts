/**
 * Object stores on this machine, as processes of their own: those that `tools/s3/install.sh` has installed.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Bucket } from "../../src/store/s3/bucket.ts";
import { type S3Options, s3Place } from "../../src/store/s3/s3_options.ts";
import { S3Requests } from "../../src/store/s3/s3_requests.ts";

export type S3ServerName = "versitygw" | "moto";

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "smalti", "s3");
const CREDENTIALS = { accessKeyId: "testing", secretAccessKey: "testingsecret" };

/** Whether a server is installed, and why tests with it are skipped where it is not. */
export function s3Installed(name: S3ServerName): { isThere: boolean; skipped: string } {
  const isThere = existsSync(join(cache, name));
  return { isThere, skipped: isThere ? "" : ` (skipped: tools/s3/install.sh ${name} has not run)` };
}

/** The first of the servers that is installed; undefined where none is. */
export const anyS3Server: S3ServerName | undefined = (["versitygw", "moto"] as const)
  .find((name) => s3Installed(name).isThere);

/** A server that runs, with an empty bucket. */
export class S3Server {
  readonly endpoint: string;
  readonly bucket = "smalti";
  readonly #child: ChildProcess;
  readonly #data: string;

  private constructor(child: ChildProcess, endpoint: string, data: string) {
    this.#child = child;
    this.endpoint = endpoint;
    this.#data = data;
  }

  /** Starts one at a free port, its files in a directory of its own. */
  static async start(name: S3ServerName): Promise<S3Server> {
    const port = await freePort();
    // Not in the system's temporary directory: that may be memory, and have no extended attributes.
    await mkdir(cache, { recursive: true });
    const data = await mkdtemp(join(cache, "data-"));
    const args = name === "moto"
      ? ["-H", "127.0.0.1", "-p", `${port}`]
      // Without keep-alive each request opens a connection.
      : ["--port", `127.0.0.1:${port}`, "--keep-alive", "--quiet", "--cors-allow-origin", "*", "posix", data];
    const env = {
      ...process.env,
      ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
      ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
    };
    const child = spawn(join(cache, name), args, { stdio: "ignore", env });
    const server = new S3Server(child, `http://127.0.0.1:${port}`, data);
    try {
      const place = s3Place(server.url(), server.options({ retryMs: 20_000 }));
      // It is tried until the server is up.
      await new S3Requests(place).send({
        method: "PUT",
        key: "",
        tried: `start ${name}`,
        expected: [409],
      });
    } catch (reason) {
      await server.stop();
      throw reason;
    }
    return server;
  }

  /** How it is asked. */
  options(more: S3Options = {}): S3Options {
    return { endpoint: this.endpoint, credentials: CREDENTIALS, ...more };
  }

  /** The same as what other programs read from their environment. */
  environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    };
  }

  /** A URL in the bucket. */
  url(prefix = ""): string {
    return `s3://${this.bucket}/${prefix}`;
  }

  /** The bucket, past all that is tested above it. */
  open(options?: S3Options): Bucket {
    return new Bucket(s3Place(this.url(), this.options(options)));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await ended;
    }
    await rm(this.#data, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
