/**
 * Frames that lie in each other over time, after the rules of tf in ROS.
 *
 * @module
 */
import { Matrix4, Quaternion, Vector3 } from "three";

/** How a frame lay in another at a moment. */
export interface FrameSample {
  /** The frame that it lies in. */
  readonly parent: string;
  readonly child: string;
  /** When. One that is told later for the same moment counts. */
  readonly ns: bigint;
  /** Whether it holds for ever. */
  readonly isStatic: boolean;
  /** x, y, z in metres, then x, y, z, w of a quaternion of any length but 0. */
  readonly numbers: ArrayLike<number>;
}

/** From coordinates in one frame to those in another, or why there is no way, in words. */
export type Lookup =
  | { readonly matrix: Matrix4; readonly reason?: undefined }
  | { readonly matrix?: undefined; readonly reason: string };

interface Pose {
  readonly place: Vector3;
  readonly turn: Quaternion;
}

interface Sample extends Pose {
  readonly ns: bigint;
  readonly parent: string;
}

/** The way from a frame up: each frame on it, with what takes coordinates of the first one there. */
interface Way {
  readonly frames: ReadonlyMap<string, Matrix4>;
  /** The frame that lies in no other. */
  readonly root: string;
  /** Names, where it goes around instead. */
  readonly circle?: readonly string[];
}

const ONE = new Vector3(1, 1, 1);

/** What takes coordinates of a pose to those that it is told in; undefined where its numbers are no pose. */
export function poseMatrix(numbers: ArrayLike<number>): Matrix4 | undefined {
  const pose = poseFrom(numbers);
  return pose && matrixOf(pose);
}

/**
 * Where frames are at any moment. Between two transforms of a frame in the same parent its place is interpolated linearly and its
 * orientation along the shortest arc; where the parent changes, the earlier holds until the later. Before the first and after the last
 * they hold. A frame with transforms that move and static ones goes by those that move.
 */
export class TransformTree {
  readonly #moving = new Map<string, Sample[]>();
  readonly #static = new Map<string, Sample>();
  readonly #unsorted = new Set<string>();
  readonly #frames = new Set<string>();

  /** Takes a transform. False where it is none: a number is not finite, the quaternion is 0, or a frame is to lie in itself. */
  add({ parent, child, ns, isStatic, numbers }: FrameSample): boolean {
    const pose = poseFrom(numbers);
    if (!pose || parent === child) return false;
    this.#frames.add(parent).add(child);
    const sample = { ns, parent, ...pose };
    if (isStatic) {
      const before = this.#static.get(child);
      if (!before || before.ns <= ns) this.#static.set(child, sample);
      return true;
    }
    const samples = this.#moving.get(child);
    if (!samples) this.#moving.set(child, [sample]);
    else {
      if (samples[samples.length - 1].ns > ns) this.#unsorted.add(child);
      samples.push(sample);
    }
    return true;
  }

  /** Names of all frames, sorted. */
  get frames(): string[] {
    return [...this.#frames].sort();
  }

  /** The frame that another one lies in at a moment; undefined where it lies in none. */
  parentAt(child: string, ns: bigint): string | undefined {
    return this.#sampleAt(child, ns)?.parent;
  }

  /** The frame that all on the way up from one lie in; the frame itself where none is known, or the way goes around. */
  rootOf(frame: string, ns: bigint): string {
    const { root, circle } = this.#wayUp(frame, ns);
    return circle ? frame : root;
  }

  /** What takes coordinates in one frame to those in another at a moment. */
  lookup(from: string, to: string, ns: bigint): Lookup {
    if (from === to) return { matrix: new Matrix4() };
    const stranger = [from, to].find((frame) => !this.#frames.has(frame));
    if (stranger !== undefined) {
      return { reason: `no transform names the frame ${stranger}` };
    }
    const [up, down] = [this.#wayUp(from, ns), this.#wayUp(to, ns)];
    const circle = up.circle ?? down.circle;
    if (circle) {
      return {
        reason: `the frames ${circle.join(", ")} lie in each other in a circle`,
      };
    }
    for (const [frame, matrix] of down.frames) {
      const there = up.frames.get(frame);
      if (there) return { matrix: matrix.clone().invert().multiply(there) };
    }
    const root = (frame: string, root: string) => frame === root ? "none" : root;
    const above = `${from} lies in ${root(from, up.root)}, ${to} in ${root(to, down.root)}`;
    return { reason: `no transforms join the frames ${from} and ${to}: ${above}` };
  }

  #wayUp(from: string, ns: bigint): Way {
    const frames = new Map([[from, new Matrix4()]]);
    let matrix = new Matrix4();
    for (let frame = from;;) {
      const sample = this.#sampleAt(frame, ns);
      if (!sample) return { frames, root: frame };
      matrix = matrixOf(sample).multiply(matrix);
      frame = sample.parent;
      if (frames.has(frame)) {
        const names = [...frames.keys()];
        return {
          frames,
          root: frame,
          circle: [...names.slice(names.indexOf(frame)), frame],
        };
      }
      frames.set(frame, matrix);
    }
  }

  #sampleAt(child: string, ns: bigint): Sample | undefined {
    const samples = this.#moving.get(child);
    if (!samples) return this.#static.get(child);
    // Sorting keeps the order of those of one moment.
    if (this.#unsorted.delete(child)) {
      samples.sort((a, b) => a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0);
    }
    let [low, high] = [0, samples.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (samples[middle].ns <= ns) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return samples[0];
    const [before, after] = [samples[low - 1], samples[low]];
    if (!after || after.parent !== before.parent) return before;
    const ratio = Number(ns - before.ns) / Number(after.ns - before.ns);
    return {
      ns,
      parent: before.parent,
      place: before.place.clone().lerp(after.place, ratio),
      turn: before.turn.clone().slerp(after.turn, ratio),
    };
  }
}

function poseFrom(numbers: ArrayLike<number>): Pose | undefined {
  const place = new Vector3(numbers[0], numbers[1], numbers[2]);
  const turn = new Quaternion(numbers[3], numbers[4], numbers[5], numbers[6]);
  const length = turn.length();
  const isPose = Number.isFinite(place.lengthSq()) && Number.isFinite(length) &&
    length > 0;
  return isPose ? { place, turn: turn.normalize() } : undefined;
}

function matrixOf({ place, turn }: Pose): Matrix4 {
  return new Matrix4().compose(place, turn, ONE);
}
