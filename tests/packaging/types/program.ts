/**
 * A user's program, in types: records, replays, asks.
 *
 * @module
 */
import {
  type Client,
  connect,
  defineOntology,
  float64,
  GPS,
  type Infer,
  type Message,
  optional,
  type SequenceOptions,
  SmaltiError,
  Temperature,
  utf8,
} from "smalti";
import { connect as connectSlim } from "smalti/slim";

const EngineTemp = defineOntology("EngineTemp", {
  temperature: float64({ unit: "K" }),
  sensor: optional(utf8()),
});

export async function record(client: Client): Promise<number> {
  const options: SequenceOptions = { metadata: { vehicle: "A" }, errorPolicy: "delete" };
  return await client.sequenceCreate("drive", options, async (sequence) => {
    const gps = await sequence.topicCreate("gps/front", { ontology: GPS });
    await gps.push({ timestampNs: 1n, data: { position: { x: 45.46, y: 9.19, z: 122 } } });
    const temp = await sequence.topicCreate("engine/temp", { ontology: EngineTemp });
    const data: Infer<typeof EngineTemp> = { temperature: 361.5 };
    await temp.push({ timestampNs: 2n, data });
    // @ts-expect-error: a number is wanted
    await temp.push({ timestampNs: 3n, data: { temperature: "hot" } });
    await temp.pushColumns({ timestampNs: BigInt64Array.of(4n), temperature: Float64Array.of(362) });
    return sequence.topics.size;
  });
}

export async function replay(): Promise<bigint | undefined> {
  const client = await connect("memory:");
  const handler = await client.sequenceHandler("drive");
  let last: Message | undefined;
  for await (const [topic, message] of handler.getDataStreamer({ topics: ["gps/front"], startNs: 0n })) {
    console.log(topic, message.timestampNs);
    last = message;
  }
  const topic = await client.topicHandler("drive", "engine/temp");
  for await (const block of topic.getDataStreamer().batches()) {
    for (const message of block) {
      const { temperature, sensor } = message.getData(EngineTemp);
      console.log(temperature.toFixed(1), sensor?.length);
    }
  }
  const { numRows } = await topic.getDataStreamer().toTable();
  console.log(numRows satisfies number, last?.getData(Temperature).value);
  return last?.timestampNs;
}

export async function ask(client: Client): Promise<string[]> {
  try {
    const hits = await client.query({ ontology: GPS.q.position.x.gt(45) });
    return hits.map(({ sequence }) => sequence);
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code !== "NOT_FOUND") throw reason;
    return [];
  }
}

export const slim: Promise<Client> = connectSlim("memory:", { engine: "js" });

// There are no globals of the web or of Node in these types.
declare const console: { log(...values: unknown[]): void };
