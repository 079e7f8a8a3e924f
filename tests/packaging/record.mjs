/**
 * Records a few messages and replays them. It uses nothing that only some runtimes have, so that workers and pages run
 * it too.
 *
 * @module
 */

const EXPECTED = [
  `-5 b {"value":1.5,"count":"9007199254740993"}`,
  `7 a/first {"x":1,"y":2,"z":-3}`,
  `7 b {"value":null,"count":"-1"}`,
  `8 a/first {"x":0.1,"y":0,"z":1e+300}`,
  `20 b {"value":3,"count":"0"}`,
];

/** Connects, records, replays; returns the engine's name. Throws where the order or a value is another than it should be. */
export async function recordAndReplay(smalti, url, options) {
  const { connect, defineOntology, float64, int64, optional, Vector3d } = smalti;
  const Counted = defineOntology("Counted", { value: optional(float64()), count: int64() });
  const client = await connect(url, options);
  const name = `small-${crypto.randomUUID()}`;
  await client.sequenceCreate(name, {}, async (sequence) => {
    const b = await sequence.topicCreate("b", { ontology: Counted });
    const a = await sequence.topicCreate("a/first", { ontology: Vector3d });
    await b.push({ timestampNs: 20n, data: { value: 3, count: 0n } });
    await b.flush();
    await b.push({ timestampNs: 7n, data: { count: -1n } });
    await b.push({ timestampNs: -5n, data: { value: 1.5, count: 2n ** 53n + 1n } });
    await a.push({ timestampNs: 8n, data: { x: 0.1, y: 0, z: 1e300 } });
    await a.push({ timestampNs: 7n, data: { x: 1, y: 2, z: -3 } });
  });
  const lines = [];
  const handler = await client.sequenceHandler(name);
  for await (const [topic, { timestampNs, data }] of handler.getDataStreamer()) {
    const values = topic === "b"
      ? { value: data.value ?? null, count: String(data.count) }
      : { x: data.x, y: data.y, z: data.z };
    lines.push(`${timestampNs} ${topic} ${JSON.stringify(values)}`);
  }
  await client.close();
  if (lines.join("\n") !== EXPECTED.join("\n")) throw new Error(`replayed wrongly:\n${lines.join("\n")}`);
  return client.engine.name;
}

/** What `connect` comes to: the engine's name, or the code of the error. */
export async function outcome(smalti, url, options) {
  try {
    return (await smalti.connect(url, options)).engine.name;
  } catch (reason) {
    if (!(reason instanceof smalti.SmaltiError)) throw reason;
    return reason.code;
  }
}
