/**
 * Recordings that the viewer is checked with.
 *
 * @module
 */
import { connect, defineOntology, IMU, uint8, utf8 } from "../../mod.ts";
import { mustRun, root } from "../tooling.ts";

/** Rows of the recording with one spike. */
export const SPIKE_ROWS = 400_000;
/** Where the spike is: a part of the whole. */
export const SPIKE_AT = 0.7;
/** Text that is markup, of a field's name, a value, and metadata. */
export const MARKUP =
  `<img src=x onerror="document.title='broken in'"><script>document.title='broken in'</script>`;
/** When the recordings that are made here begin. */
export const START_NS = 1_700_000_000_000_000_000n;

/** Makes all of them in a directory, each under its name. */
export async function makeRecordings(directory: string): Promise<void> {
  const mcap = `${root}/examples/px4-vtol-flight/flight.mcap`;
  const smalti = [Deno.execPath(), "run", "-A", `${root}/src/cli/main.ts`];
  await mustRun([...smalti, "import", mcap, "--name", "flight", "--store", directory], { quiet: true });
  for (const [name, text] of [["spike", "imu.acceleration.x"], ["nonsense", "no.such"]]) {
    const root = { kind: "tabs", panels: ["one"], active: "one" };
    const panels = { one: { type: "plot", options: { lines: [{ text }] } } };
    const layout = { version: 1, panels, root };
    await Deno.writeTextFile(`${directory}/${name}.layout.json`, JSON.stringify(layout));
  }
  const client = await connect(directory);
  try {
    await client.sequenceCreate("spike", {}, async (sequence) => {
      const topic = await sequence.topicCreate("imu", { ontology: IMU });
      for (let i = 0; i < SPIKE_ROWS; i++) {
        const x = i === SPIKE_ROWS * SPIKE_AT ? 50 : Math.sin(i / 5000);
        await topic.push({
          timestampNs: START_NS + BigInt(i) * 1_000_000n,
          data: { acceleration: { x, y: 0, z: 9.81 }, angular_velocity: { x: 0, y: 0, z: 0 } },
        });
      }
    });
    const Note = defineOntology("note", { msg: utf8(), level: uint8(), [MARKUP]: uint8() });
    await client.sequenceCreate("markup", { metadata: { note: MARKUP } }, async (sequence) => {
      const topic = await sequence.topicCreate("notes", { ontology: Note });
      for (let i = 0; i < 50; i++) {
        await topic.push({
          timestampNs: START_NS + BigInt(i) * 100_000_000n,
          data: { msg: MARKUP, level: i % 5, [MARKUP]: i },
        });
      }
    });
  } finally {
    await client.close();
  }
}
