/**
 * Recordings that the viewer is checked with.
 *
 * @module
 */
import {
  type Client,
  connect,
  defineOntology,
  FrameTransform,
  GPS,
  IMU,
  Lidar,
  ontology,
  Pose,
  uint8,
  utf8,
} from "../../mod.ts";
import { imageFromPixels } from "../../src/image/mod.ts";
import { mustRun, root } from "../tooling.ts";

/** Rows of the recording with one spike: more than are read where nobody asks for them. */
export const SPIKE_ROWS = 1_200_000;
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
  // Nobody has saved a layout; without the file the browser would complain that it is not there.
  await Deno.writeTextFile(`${directory}/viewer.json`, JSON.stringify({ version: 1, layouts: {} }));
  const tabs = (id: string) => ({ kind: "tabs", panels: [id], active: id });
  const panels = {
    picture: { type: "image", options: { topic: "camera" } },
    lines: { type: "log", options: { topic: "log", text: "msg", level: "level" } },
    points: { type: "scene", options: { topics: ["lidar"] } },
    values: { type: "values", options: { topics: [] } },
  };
  const columns = [["picture", "lines"], ["points", "values"]].map((ids) => ({
    kind: "column",
    sizes: [1, 1],
    children: ids.map(tabs),
  }));
  const layout = { version: 1, panels, root: { kind: "row", sizes: [1, 1], children: columns } };
  await Deno.writeTextFile(`${directory}/robot.layout.json`, JSON.stringify(layout));
  const spaces = {
    frames: { topics: ["lidar"], frame: "map", axes: false },
    frames_all: { topics: ["lidar", "stray", "pose"] },
  };
  for (const [name, options] of Object.entries(spaces)) {
    const layout = { version: 1, panels: { one: { type: "scene", options } }, root: tabs("one") };
    await Deno.writeTextFile(`${directory}/${name}.layout.json`, JSON.stringify(layout));
  }
  const client = await connect(directory);
  try {
    await makeFrames(client);
    await client.sequenceCreate("spike", {}, async (sequence) => {
      const topic = await sequence.topicCreate("imu", { ontology: IMU });
      for (let i = 0; i < SPIKE_ROWS; i++) {
        const x = i === SPIKE_ROWS * SPIKE_AT ? 50 : Math.sin(i / 15_000);
        await topic.push({
          timestampNs: START_NS + BigInt(i) * 1_000_000n,
          data: { acceleration: { x, y: 0, z: 9.81 }, angular_velocity: { x: 0, y: 0, z: 0 } },
        });
      }
    });
    await client.sequenceCreate("damaged", {}, async (sequence) => {
      const topic = await sequence.topicCreate("imu", { ontology: IMU });
      for (let i = 0; i < 10_000; i++) {
        // Nothing that packs well, so that damage lies in values.
        const x = Math.sin(i * i);
        await topic.push({
          timestampNs: START_NS + BigInt(i) * 1_000_000n,
          data: { acceleration: { x, y: 0, z: 9.81 }, angular_velocity: { x: 0, y: 0, z: 0 } },
        });
        if (i % 1000 === 999) await topic.flush();
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
    await client.sequenceCreate("robot", {}, async (sequence) => {
      const camera = await sequence.topicCreate("camera", { ontology: ontology.Image });
      const lidar = await sequence.topicCreate("lidar", { ontology: Lidar });
      const gps = await sequence.topicCreate("gps", { ontology: GPS });
      const log = await sequence.topicCreate("log", { ontology: Note });
      for (let i = 0; i < 40; i++) {
        const timestampNs = START_NS + BigInt(i) * 100_000_000n;
        // Green at first, then blue.
        const data = Uint8Array.from(
          { length: 64 * 48 * 3 },
          (_, at) => at % 3 === (i < 20 ? 1 : 2) ? 200 : 20,
        );
        const image = imageFromPixels({ width: 64, height: 48, encoding: "rgb8", data });
        await camera.push({ timestampNs, data: image });
        const angle = (at: number) => at / 500 * 2 * Math.PI;
        const around = (of: (at: number) => number) => Float32Array.from({ length: 500 }, (_, at) => of(at));
        await lidar.push({
          timestampNs,
          data: {
            x: around((at) => Math.cos(angle(at)) * (5 + i / 20)),
            y: around((at) => Math.sin(angle(at)) * (5 + i / 20)),
            z: around((at) => Math.sin(angle(at) * 5)),
          },
        });
        await gps.push({
          timestampNs,
          data: { position: { x: 45.46 + i * 1e-5, y: 9.19 + (i % 10) * 1e-5, z: 120 } },
        });
        await log.push({ timestampNs, data: { msg: `line ${i}`, level: i % 5, [MARKUP]: i } });
      }
    });
  } finally {
    await client.close();
  }
  await damage(`${directory}/damaged/imu.arrow`);
}

/** Flips bits in the middle of a file. */
async function damage(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const middle = Math.floor(bytes.length * 0.45);
  for (let at = middle; at < middle + 200; at++) bytes[at] ^= 0x55;
  await Deno.writeFile(path, bytes);
}

/** Where the lidar of `frames` has its points, in m in its own frame: two heaps. */
export const HEAPS = [[3, 0, 0], [-3, 0, 0]] as const;
/** Points of a heap. */
const HEAP_POINTS = 200;
/** How long `frames` is, in seconds; the base goes all of {@linkcode FRAMES_END} in that time. */
const FRAMES_SECONDS = 10;
/** Where the base of `frames` is in the map at its end: 4 m along y, turned to the left by a right angle. */
export const FRAMES_END = { y: 4, yaw: Math.PI / 2 };
/** How high the lidar is above the base, in m. */
export const LIDAR_HEIGHT = 1;

/** A lidar on a base that moves: transforms at the start and the end alone, a cloud each second. */
async function makeFrames(client: Client): Promise<void> {
  const transform = (parent: string, child: string, y: number, z: number, yaw: number) => ({
    header: { frame_id: parent },
    target_frame_id: child,
    translation: { x: 0, y, z },
    rotation: { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) },
  });
  await client.sequenceCreate("frames", {}, async (sequence) => {
    const tf = await sequence.topicCreate("tf", { ontology: FrameTransform });
    const fixed = await sequence.topicCreate("tf_static", { ontology: FrameTransform });
    const lidar = await sequence.topicCreate("lidar", { ontology: Lidar });
    const stray = await sequence.topicCreate("stray", { ontology: Lidar });
    const pose = await sequence.topicCreate("pose", { ontology: Pose });
    const mount = transform("base", "lidar", 0, LIDAR_HEIGHT, 0);
    await fixed.push({ timestampNs: START_NS, data: { transforms: [mount] } });
    for (let second = 0; second <= FRAMES_SECONDS; second++) {
      const timestampNs = START_NS + BigInt(second) * 1_000_000_000n;
      const part = second / FRAMES_SECONDS;
      if (part === 0 || part === 1) {
        const base = transform("map", "base", FRAMES_END.y * part, 0, FRAMES_END.yaw * part);
        await tf.push({ timestampNs, data: { transforms: [base] } });
      }
      const axis = (at: 0 | 1 | 2) =>
        Float32Array.from({ length: HEAP_POINTS * HEAPS.length }, (_, i) => {
          // Within three centimetres, so that a heap is a blot of some pixels.
          const spread = at === 2 ? 0 : ((at === 0 ? i : i * 7) % 13 - 6) / 200;
          return HEAPS[Math.floor(i / HEAP_POINTS)][at] + spread;
        });
      const points = { x: axis(0), y: axis(1), z: axis(2) };
      await lidar.push({ timestampNs, data: { header: { frame_id: "lidar" }, ...points } });
      await stray.push({ timestampNs, data: { header: { frame_id: "elsewhere" }, ...points } });
      await pose.push({
        timestampNs,
        data: {
          header: { frame_id: "map" },
          position: { x: second / 2, y: 0, z: 0 },
          orientation: { x: 0, y: 0, z: 0, w: 1 },
        },
      });
    }
  });
}
