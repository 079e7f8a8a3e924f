/**
 * A CommonJS program, in types.
 *
 * @module
 */
import smalti = require("smalti");

export async function firstTemperature(): Promise<number | undefined> {
  const client: smalti.Client = await smalti.connect("memory:");
  await client.sequenceCreate("oven", {}, async (sequence) => {
    const topic = await sequence.topicCreate("chamber", { ontology: smalti.Temperature });
    await topic.push({ timestampNs: 1n, data: { value: 300 } });
  });
  const topic = await client.topicHandler("oven", "chamber");
  for await (const message of topic.getDataStreamer()) return message.getData(smalti.Temperature).value;
  return undefined;
}
