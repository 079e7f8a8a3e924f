/**
 * A project that has the core alone: records a flight anew, as it is in a directory, and replays that; then asks for what is
 * not there. Prints JSON.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import * as smalti from "smalti";
import { FLIGHT, replay } from "./flight.mjs";

const directory = await mkdtemp(join(tmpdir(), "smalti-core-"));
try {
  const recordings = await smalti.connect(process.env.SMALTI_RECORDINGS);
  const imported = await recordings.sequenceHandler(FLIGHT);
  const client = await smalti.connect(directory);
  await client.sequenceCreate(FLIGHT, {}, async (sequence) => {
    for (const { name } of imported.topics) {
      const source = await imported.topicHandler(name);
      const { ontologyTag: tag, serializationFormat: format, fields: [, ...fields] } = source;
      const topic = await sequence.topicCreate(name, { ontology: { tag, format, fields } });
      for await (const { timestampNs, data } of source.getDataStreamer()) {
        await topic.push({ timestampNs, data });
      }
    }
  });
  const stream = (await (await client.sequenceHandler(FLIGHT)).topicHandler(imported.topics[0].name))
    .getDataStreamer();
  console.log(JSON.stringify({
    flight: await replay(client),
    table: await toInstall(stream.toTable()),
    server: await toInstall(smalti.connect("grpc://127.0.0.1:1")),
  }));
  await client.close();
  await recordings.close();
} finally {
  await rm(directory, { recursive: true });
}

/** The code of an error and what it says is to be installed. */
function toInstall(promise) {
  return promise.then(() => "there", ({ code, message }) => `${code} ${/npm install .*/.exec(message)?.[0]}`);
}
