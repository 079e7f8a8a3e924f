/**
 * `smalti serve` over a bucket, as processes of their own.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64 } from "../../../mod.ts";
import {
  cliCommand,
  makeTemporary,
  needsBuild,
  type Running,
  start,
  until,
} from "../../support/cli_process.ts";
import { expectError } from "../../support/errors.ts";
import { S3Proxy } from "../../support/s3_proxy.ts";
import { anyS3Server, s3Installed, S3Server } from "../../support/s3_server.ts";

const Value = defineOntology("Value", { value: float64() });
const skipped = needsBuild || (anyS3Server === undefined ? s3Installed("moto").skipped : "");

describe.skipIf(skipped)(`smalti serve over a bucket${skipped}`, () => {
  let server: S3Server;
  let directory: string;
  let remove: () => Promise<void>;
  const servers: Running[] = [];
  beforeAll(async () => {
    ({ directory, remove } = await makeTemporary());
    server = await S3Server.start(anyS3Server!);
  }, 60_000);
  afterAll(async () => {
    for (const { child } of servers) if (child.exitCode === null) process.kill(child.pid!, "SIGKILL");
    await server?.stop();
    await remove();
  });

  /** Starts one, and a client of it. */
  async function serve(prefix: string, endpoint = server.endpoint): Promise<Running & { client: Client }> {
    const running = start([...cliCommand, "serve", server.url(prefix), "--port", "0"], {
      HOME: directory,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: "testing",
      AWS_SECRET_ACCESS_KEY: "testingsecret",
    });
    servers.push(running);
    await Promise.race([until(() => running.stdout().endsWith("\n")), running.ended]);
    const [, url] = /(grpc:.*)\n$/.exec(running.stdout()) ?? [];
    if (url === undefined) throw new Error(`smalti serve ended: ${(await running.ended).stderr}`);
    return { ...running, client: await connect(url) };
  }

  async function stop({ child, client, ended }: Running & { client: Client }): Promise<string> {
    await client.close();
    process.kill(child.pid!, "SIGINT");
    return (await ended).stderr;
  }

  async function times(client: Client): Promise<number[]> {
    const found: number[] = [];
    for await (const [, { timestampNs }] of (await client.sequenceHandler("drive")).getDataStreamer()) {
      found.push(Number(timestampNs));
    }
    return found;
  }

  it("reads by each of two, and writes a sequence by one of them at a time", async () => {
    const [one, other] = await Promise.all([serve("shared"), serve("shared")]);
    const write = async (client: Client, topic: string, from: number) => {
      const sequence = from === 0
        ? await client.sequenceCreate("drive")
        : await client.sequenceUpdate("drive");
      const writer = await sequence.topicCreate(topic, { ontology: Value });
      for (let i = from; i < from + 10; i++) {
        await writer.push({ timestampNs: BigInt(i), data: { value: i } });
      }
      await sequence.flush();
      return sequence;
    };
    for (const [round, [here, there]] of [[one, other], [other, one]].entries()) {
      const sequence = await write(here.client, `topic_${round}`, 10 * round);
      await expectError(() => write(there.client, "another", 100), "LOCKED", "drive");
      await expectError(() => there.client.sequenceDelete("drive"), "LOCKED", "drive");
      await sequence.finalize();
      const wanted = Array.from({ length: 10 * (round + 1) }, (_, i) => i);
      expect(await Promise.all([one, other].map(({ client }) => times(client)))).toEqual([wanted, wanted]);
      expect(await there.client.listSequences()).toEqual(["drive"]);
    }
    await Promise.all([stop(one), stop(other)]);
  });

  it("is there before it has looked into any of the sequences", async () => {
    for (const name of ["one", "two", "three"]) {
      await server.open().put(`many/${name}/sequence.json`, new TextEncoder().encode("{"));
    }
    const proxy = await S3Proxy.start(server.endpoint);
    let go = () => {};
    const wait = new Promise<void>((resolve) => go = resolve);
    proxy.trick = ({ url }) => url.includes("sequence.json") ? { wait } : undefined;
    try {
      const running = await serve("many", proxy.endpoint);
      expect(await running.client.listSequences()).toEqual(["one", "three", "two"]);
      await until(() => proxy.asked.filter(({ url }) => url.includes("sequence.json")).length === 3);
      go();
      await until(() => running.stderr().split("\n").length === 4);
      expect(await stop(running)).toMatch(
        /left "one" as it is: .*\n.*left "three" as it is: .*\n.*left "two"/,
      );
    } finally {
      go();
      await proxy.stop();
    }
  });

  it("recovers what was left there while it serves", async () => {
    const store = join(directory, "left");
    const near = await connect(store);
    const sequence = await near.sequenceCreate("drive");
    const topic = await sequence.topicCreate("topic", { ontology: Value });
    for (let i = 0; i < 5; i++) await topic.push({ timestampNs: BigInt(i), data: { value: i } });
    await sequence.flush();
    for (const path of await readdir(store, { recursive: true })) {
      const bytes = path.endsWith(".lock")
        ? undefined
        : await readFile(join(store, path)).catch(() => undefined);
      if (bytes) await server.open().put(`left/${path}`, bytes);
    }
    await sequence.abort("delete");
    await near.close();
    const running = await serve("left");
    await until(() => running.stderr().includes("recovered"));
    expect(await times(running.client)).toEqual([0, 1, 2, 3, 4]);
    expect(await stop(running)).toContain('recovered "drive": kept 5 rows in 1 topic');
  });
});
