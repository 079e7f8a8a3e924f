import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../../mod.ts";
import { S3Store } from "../../../src/store/s3/s3_store.ts";
import { s3Place } from "../../../src/store/s3/s3_options.ts";
import { LOG_TIMING } from "../../../src/store/s3/write_ahead_log.ts";
import { leaseContract } from "../../contract/store_leases.ts";
import { storeContract } from "../../contract/store.ts";
import { s3Installed, S3Server, type S3ServerName } from "../../support/s3_server.ts";
import { allTexts, recordSequence } from "../../support/sample_rows.ts";

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`S3Store on ${name}${skipped}`, () => {});

  let server: S3Server;
  let places = 0;
  const newPlace = () => s3Place(server.url(`store-${++places}`), server.options());
  beforeAll(async () => server = await S3Server.start(name));
  afterAll(() => server.stop());

  storeContract(`S3Store on ${name}`, () => {
    const store = new S3Store(newPlace());
    return Promise.resolve({ store, dispose: () => store.close() });
  });

  leaseContract(`S3Store on ${name}`, () => {
    const place = newPlace();
    const timing = { ...LOG_TIMING };
    const [store, other] = [new S3Store(place), new S3Store(place, timing)];
    return Promise.resolve({
      store,
      other,
      async takeOver(path) {
        timing.silentMs = 0;
        try {
          return await other.lock(path);
        } finally {
          timing.silentMs = LOG_TIMING.silentMs;
        }
      },
      dispose: async () => void await Promise.all([store.close(), other.close()]),
    });
  });

  describe(`connect to an S3Store on ${name}`, () => {
    const times = (start: number) => Array.from({ length: 300 }, (_, i) => start + 7 * (i ^ 5));
    const topics = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`part${i % 2}/t${i}`, times(i % 4)]),
    );

    it("records, and replays what a client in memory does", async () => {
      const place = newPlace();
      await using first = await connect(new S3Store(place));
      await using second = await connect(new S3Store(place));
      await using memory = await connect("memory:");
      for (const client of [memory, first]) await recordSequence(client, "drive", topics);
      const wanted = await allTexts(memory, "drive");
      expect(wanted.length).toBe(1800);
      expect(await allTexts(second, "drive")).toEqual(wanted);
      await using reader = await connect(place.url, { s3: server.options() });
      expect(await allTexts(reader, "drive")).toEqual(wanted);
      await second.sequenceDelete("drive");
      expect(await first.listSequences()).toEqual([]);
      const left: string[] = [];
      for await (const { keys } of server.open().list(place.prefix)) left.push(...keys);
      expect(left).toEqual([]);
    });
  });
}
