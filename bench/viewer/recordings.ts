/**
 * What the viewer is measured with: seeded recordings, made once and kept, and what is true of them.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { CompressedImage, connect, GPS } from "../../mod.ts";
import { encodeImage, imageFromPixels } from "../../src/image/mod.ts";
import { random } from "../data.ts";
import {
  columnsByTopic,
  makeRecording,
  pushColumns,
  Sample,
  type TopicColumns,
  writeMcap,
} from "../recording.ts";

/** Part of the directory's name: another one makes all of it anew. */
const VERSION = 1;
const LONG_ROWS = 10e6;
const BIG_ROWS = 4e6;
/** Moments that are looked at. */
const MOMENTS = 24;
/** Pictures a second, in so many seconds of the middle. */
const [PICTURE_HZ, PICTURE_SECONDS] = [30, 60];
/** Pictures differ by their grey, of so many. */
const GREYS = 32;
const SECOND = 1_000_000_000n;

/** What is true of the recordings. Times are nanoseconds, as text. */
export interface Facts {
  readonly long: {
    readonly startNs: string;
    readonly endNs: string;
    /** The topics of numbers, the busiest last. */
    readonly topics: readonly string[];
    /** Of `acceleration.x` of the three busiest topics, the busiest first. */
    readonly extremes: readonly Extremes[];
    /** Where 60 seconds are looked at, and the extremes therein. */
    readonly minute: {
      readonly fromNs: string;
      readonly toNs: string;
      readonly extremes: readonly Extremes[];
    };
    /** `acceleration.x` of each topic at moments. */
    readonly moments: readonly {
      readonly ns: string;
      readonly x: readonly number[];
    }[];
    readonly pictures: { readonly fromNs: string; readonly stepNs: string };
    /** Messages in the MCAP file: those of numbers. */
    readonly messages: number;
  };
  readonly big: { readonly rows: number; readonly extremes: Extremes };
}

/** The smallest and the largest value. */
export interface Extremes {
  readonly min: number;
  readonly max: number;
}

/** The recordings `long` and `big` of a store, `long.mcap` beside it, and what is true of them. */
export interface Recordings {
  readonly store: string;
  readonly mcap: string;
  readonly facts: Facts;
}

/** Finds them in a directory, or makes them there, which takes a minute and 2 GB of memory. */
export async function recordingsIn(cache: string): Promise<Recordings> {
  const directory = `${cache}/v${VERSION}`;
  const files = { store: `${directory}/store`, mcap: `${directory}/long.mcap` };
  const path = `${directory}/facts.json`;
  // Written last: what was cut off lacks it.
  if (!existsSync(path)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const facts: Facts = {
      long: await makeLong(files.store, files.mcap),
      big: await makeBig(files.store),
    };
    await writeFile(path, JSON.stringify(facts));
  }
  return { ...files, facts: JSON.parse(await readFile(path, "utf8")) };
}

/** Grey of the picture that holds at a moment. */
export function greyAt(
  { fromNs, stepNs }: Facts["long"]["pictures"],
  ns: bigint,
): number {
  return greyOf(Number((ns - BigInt(fromNs)) / BigInt(stepNs)));
}

function greyOf(picture: number): number {
  return (picture % GREYS) * (256 / GREYS);
}

async function makeLong(store: string, mcap: string): Promise<Facts["long"]> {
  const recording = makeRecording(LONG_ROWS);
  await writeFile(mcap, (await writeMcap(recording, "lz4")).bytes);
  const { topics, times } = recording;
  const columns = columnsByTopic(recording);
  const startNs = times[0];
  const endNs = times.at(-1)!;
  const middleNs = startNs + (endNs - startNs) / 2n;
  const stepNs = SECOND / BigInt(PICTURE_HZ);
  await using client = await connect(store);
  await client.sequenceCreate("long", {}, async (sequence) => {
    for (const [i, name] of topics.entries()) {
      await (await sequence.topicCreate(name, { ontology: Sample }))
        .pushColumns(columns[i]);
    }
    const gps = await sequence.topicCreate("gps", { ontology: GPS });
    for (let ns = startNs; ns < endNs; ns += SECOND / 5n) {
      const angle = Number(ns - startNs) / 1e11;
      const position = {
        x: 47 + 0.01 * Math.sin(angle),
        y: 8 + 0.02 * Math.cos(angle),
        z: 400,
      };
      await gps.push({ timestampNs: ns, data: { position } });
    }
    const pictures = await Promise.all(
      Array.from({ length: GREYS }, (_, i) => picture(greyOf(i))),
    );
    const camera = await sequence.topicCreate("camera", {
      ontology: CompressedImage,
    });
    for (let i = 0; i < PICTURE_HZ * PICTURE_SECONDS; i++) {
      await camera.push({
        timestampNs: middleNs + BigInt(i) * stepNs,
        data: pictures[i % GREYS],
      });
    }
  });
  const busiest = columns.slice(-3).reverse();
  const toNs = middleNs + 60n * SECOND;
  const next = random(11);
  const moments = Array.from({ length: MOMENTS }, () => {
    const ns = startNs + SECOND * 10n +
      BigInt(Math.floor(next() * (Number(endNs - startNs) - 1e10)));
    return {
      ns: `${ns}`,
      x: columns.map((topic) => topic.acceleration.x[rowAt(topic, ns)]),
    };
  });
  return {
    startNs: `${startNs}`,
    endNs: `${endNs}`,
    topics,
    extremes: busiest.map(({ acceleration }) => extremesOf(acceleration.x)),
    minute: {
      fromNs: `${middleNs}`,
      toNs: `${toNs}`,
      extremes: busiest.map((topic) => {
        const [from, to] = [
          rowAt(topic, middleNs - 1n) + 1,
          rowAt(topic, toNs - 1n) + 1,
        ];
        return extremesOf(topic.acceleration.x.subarray(from, to));
      }),
    },
    moments,
    pictures: { fromNs: `${middleNs}`, stepNs: `${stepNs}` },
    messages: times.length,
  };
}

/** One topic at 1 kHz: noise, and one spike. */
async function makeBig(store: string): Promise<Facts["big"]> {
  const next = random(5);
  const noise = () =>
    Float64Array.from(
      { length: BIG_ROWS },
      (_, i) => Math.sin(i / 50_000) + 0.1 * next(),
    );
  const [x, y, z] = [noise(), noise(), noise()];
  x[Math.floor(BIG_ROWS * 0.7)] = 5;
  const timestampNs = BigInt64Array.from(
    x,
    (_, i) => 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n,
  );
  await using client = await connect(store);
  await pushColumns(client, "big", ["imu"], [{
    timestampNs,
    acceleration: { x, y, z },
  }]);
  return { rows: BIG_ROWS, extremes: extremesOf(x) };
}

/** A JPEG of one grey in its middle, and enough beside it to weigh something. */
async function picture(grey: number): Promise<CompressedImage> {
  const [width, height] = [640, 480];
  const pixels = new Uint8Array(width * height * 3);
  const next = random(grey + 1);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isMiddle = Math.abs(x - width / 2) < 100 &&
      Math.abs(y - height / 2) < 100;
    for (let c = 0; c < 3; c++) {
      pixels[i * 3 + c] = isMiddle ? grey : (x + y * c + 30 * next()) & 255;
    }
  }
  const image = imageFromPixels({
    data: pixels,
    width,
    height,
    encoding: "rgb8",
  });
  return await encodeImage(image, { format: "jpeg", quality: 0.8 });
}

/** The last row at or before a moment. */
function rowAt({ timestampNs }: TopicColumns, ns: bigint): number {
  let [low, high] = [0, timestampNs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timestampNs[middle] <= ns) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function extremesOf(values: Float64Array): Extremes {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
