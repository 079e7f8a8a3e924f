import { describe, expect, it } from "vitest";
import { binary, type Client, connect, defineOntology, type SmaltiError } from "../../mod.ts";
import { thrownBy } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";

const Blob = defineOntology("Blob", { bytes: binary() });

describe("a stream of a sequence that is removed and made anew", () => {
  /** Reads two rows of a sequence, makes it anew with the same times, and reads on. */
  async function readOn(client: Client): Promise<void> {
    const record = (generation: number) =>
      client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Blob });
        for (let row = 0; row < 12; row++) {
          // Too large to be joined with the next ones, and nothing that can be compressed.
          const bytes = crypto.getRandomValues(new Uint8Array(60_000));
          bytes[0] = generation;
          await topic.push({ timestampNs: BigInt(row), data: { bytes } });
        }
      });
    await record(1);
    const seen: number[] = [];
    const read = async () => {
      const handler = await client.sequenceHandler("s");
      for await (const [, { data }] of handler.getDataStreamer({ maxBufferedBytes: 1 })) {
        seen.push((data as { bytes: Uint8Array }).bytes[0]);
        if (seen.length !== 2) continue;
        await client.sequenceDelete("s");
        await record(2);
      }
    };
    const reason = await thrownBy(read) as SmaltiError;
    // A file system may give the new file the number of the old one: then it is the checksums that tell.
    expect(["IO", "CORRUPT"]).toContain(reason.code);
    expect(reason.message).toMatch(/written anew while it was read|not the one that the index names/);
    expect(new Set(seen)).toEqual(new Set([1]));
  }

  it("in memory ends with an error, and mixes no rows of both", async () => {
    await using client = await connect("memory:", { maxCachedBytes: 0 });
    await readOn(client);
  });

  it("in a directory ends with an error, and mixes no rows of both", () =>
    inDirectory(async (directory) => {
      await using client = await connect(directory, { maxCachedBytes: 0 });
      await readOn(client);
    }));
});
