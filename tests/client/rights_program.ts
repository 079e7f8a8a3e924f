/**
 * One thing done at a place, by a program that may do no more than its flags say: `deno run FLAGS rights_program.ts WHAT
 * PLACE`. Prints `"done"` as JSON, or code and text of the error.
 *
 * @module
 */
import { type Client, connect, defineOntology, float64, topicQ } from "../../mod.ts";
import { createFile, exportJsonLines } from "../../src/export/mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { importMcap, openFile } from "../../src/import/mod.ts";

const Value = defineOntology("Value", { value: float64() });

async function record(client: Client, ifExists: "error" | "replace", name = "new"): Promise<void> {
  await client.sequenceCreate(name, { ifExists }, async (sequence) => {
    const topic = await sequence.topicCreate("Cam/a", { ontology: Value });
    await topic.push({ timestampNs: 1n, data: { value: 1 } });
    await topic.flush();
  });
}

async function replay(client: Client, name = "s"): Promise<void> {
  const handler = await client.sequenceHandler(name);
  for (const { name } of handler.topics) await (await handler.topicHandler(name)).verify({ deep: true });
  let rows = 0;
  for await (const _ of handler.getDataStreamer()) rows++;
  if (rows === 0) throw new Error("No rows");
}

const DOES: Record<string, (client: Client, other: string) => Promise<unknown>> = {
  list: (client) => client.listSequences({ details: true }),
  replay: (client) => replay(client),
  query: (client) => client.query({ topic: topicQ.name.match("a") }),
  record: (client) => record(client, "error"),
  replace: (client) => record(client, "replace", "s"),
  update: async (client) => await (await client.sequenceUpdate("s")).finalize(),
  follow: async (client) => {
    const handler = await client.sequenceHandler("growing", { follow: true });
    for await (const _ of handler.getDataStreamer({ follow: true })) break;
  },
  followEnded: async (client) => {
    const handler = await client.sequenceHandler("s", { follow: true });
    for await (const _ of handler.getDataStreamer({ follow: true }));
  },
  /** Left to be killed. */
  hold: async (client) => {
    const sequence = await client.sequenceCreate("held");
    const topic = await sequence.topicCreate("a", { ontology: Value });
    await topic.push({ timestampNs: 1n, data: { value: 1 } });
    await topic.flush();
    setInterval(() => {}, 1000);
  },
  recover: (client) => client.recover("left"),
  recoverGrowing: (client) => client.recover("growing"),
  recoverSound: (client) => client.recover("s"),
  recoverHeld: async (client) => {
    const { changed, files } = await client.recover("held");
    if (!changed || files[0].rowsKept !== 1) throw new Error(JSON.stringify(files));
    await replay(client, "held");
  },
  compact: (client) => client.compact("s"),
  delete: (client) => client.sequenceDelete("s"),
  import: async (client, other) => await importMcap(client, await openFile(other), { name: "imported" }),
  export: async (client, other) =>
    await exportJsonLines(await client.sequenceHandler("s"), await createFile(`${other}/s.ndjson`)),
  serve: async (client, other) => await (await createServer(client, { port: Number(other) })).close(),
  writeAndRead: async (client) => {
    const name = `n${crypto.randomUUID()}`;
    await record(client, "error", name);
    await replay(client, name);
  },
};

const [what, place, other] = Deno.args;
try {
  const client = await connect(place);
  await DOES[what](client, other);
  console.log(JSON.stringify("done"));
  if (what !== "hold") await client.close();
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: string }).code, message: String(error) }));
}
