/**
 * What following a recording in a bucket costs.
 */
import { describe, expect, it } from "vitest";
import { connect } from "../../../mod.ts";
import { addTopic, pushSamples } from "../../support/sample_rows.ts";
import { S3Proxy } from "../../support/s3_proxy.ts";
import { anyS3Server, s3Installed, S3Server } from "../../support/s3_server.ts";
import { until } from "../../support/waiting.ts";

const skipped = anyS3Server === undefined ? s3Installed("moto").skipped : "";

describe.skipIf(skipped)(`Following in a bucket${skipped}`, () => {
  it("asks who writes once for several looks, and sees the end", async () => {
    const server = await S3Server.start(anyS3Server!);
    const proxy = await S3Proxy.start(server.endpoint);
    const writer = await connect(server.url("fleet"), { s3: server.options({ write: true }) });
    const options = server.options({ endpoint: proxy.endpoint, write: true });
    const reader = await connect(server.url("fleet"), { s3: options });
    try {
      const sequence = await writer.sequenceCreate("s", { autoFlush: false });
      const topic = await addTopic(sequence, "t", [1, 2]);
      await sequence.flush();
      const handler = await reader.sequenceHandler("s", { follow: true });
      const seen: bigint[] = [];
      const ended = (async () => {
        for await (const [, { timestampNs }] of handler.getDataStreamer({ follow: true })) {
          seen.push(timestampNs);
        }
      })();
      await until(() => seen.length >= 1);
      // A look gets the record that would be next; it and each question who writes ask once or twice for the epoch.
      const count = (pattern: RegExp) =>
        proxy.asked.filter(({ method, url }) => method === "GET" && pattern.test(url)).length;
      const looks = () => count(/sequence\.wal\/\d+-[^/]*\/\d+/);
      await until(() => looks() >= 2);
      proxy.asked.length = 0;
      const startMs = performance.now();
      await until(() => looks() >= 20);
      const questions = count(/sequence\.wal\/0*1$/) - looks();
      expect(questions).toBeLessThanOrEqual(2 * ((performance.now() - startMs) / 1000 + 1));
      expect(count(/sequence\.json/)).toBeLessThanOrEqual(1);
      await pushSamples(topic, [3], 2);
      await sequence.finalize();
      await ended;
      expect(seen).toEqual([1n, 2n, 3n]);
    } finally {
      await Promise.all([writer.close(), reader.close()]);
      await proxy.stop();
      await server.stop();
    }
  }, 60_000);
});
