/**
 * A recorder whose bucket is far away. An hour of it is recorded where SMALTI_LONG is set.
 *
 * @module
 */
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BucketRecorder } from "../../support/bucket_recorder.ts";
import { canSpawn, needsBuild } from "../../support/child.ts";
import { anyS3Server } from "../../support/s3_server.ts";
import { isRecord, S3Stage } from "../../support/s3_stage.ts";

const SECONDS = process.env.SMALTI_LONG ? 3600 : 20;
/** What the link adds to each request. */
const LINK_MS = 80;

const title = !anyS3Server
  ? "(skipped: tools/s3/install.sh has not run)"
  : canSpawn
  ? `on ${anyS3Server}`
  : needsBuild;

describe.skipIf(!anyS3Server || !canSpawn)(`a recorder whose bucket is far away ${title}`, () => {
  let stage: S3Stage;
  beforeAll(async () => stage = await S3Stage.start(anyS3Server!));
  afterAll(() => stage?.stop());

  it(`records ${SECONDS} s of 70 sensors: push waits for nothing, memory is bounded`, async () => {
    const { server, proxy } = stage;
    const prefix = stage.newPrefix();
    proxy.trick = () => ({ wait: new Promise((resolve) => setTimeout(resolve, LINK_MS)) });
    const options = server.options({ endpoint: proxy.endpoint });
    await using writer = new BucketRecorder(server.url(prefix), options, "drive", SECONDS);
    await writer.ended;
    const said = writer.said.at(-1)!;
    console.log(JSON.stringify({ SECONDS, LINK_MS, requests: proxy.asked.length, ...said }));
    expect(said.waits).toBe(0);
    expect(said.mostRssBytes).toBeLessThan(256 * 2 ** 20);
    // More: small batches were joined, and Deno keeps what it had for answers until it collects garbage.
    expect(said.finalRssBytes).toBeLessThan(384 * 2 ** 20);
    // One for each flush, and some for topics that are made and put in place.
    expect(proxy.asked.filter(isRecord).length).toBeLessThan(SECONDS + 100);
    await using reader = await stage.client(prefix);
    expect((await reader.sequenceHandler("s")).rowCount).toBe(said.finalized);
  }, 60_000 + 1000 * SECONDS);
});
