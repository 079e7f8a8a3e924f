/**
 * What messages say of places in space: of the ontologies, and of ROS as it is imported without them.
 *
 * @module
 */

/** x, y, z in metres, then x, y, z, w of a quaternion, as they were told: not normalised, and maybe NaN. */
export type PoseNumbers = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** A pose in a frame. */
export interface FramedPose {
  /** The frame it is told in; undefined where the message names none. */
  readonly frame?: string;
  /** When it was measured, by the clock of the one who measured; undefined where that is not told. */
  readonly stampNs?: bigint;
  readonly numbers: PoseNumbers;
}

/** How a frame lies in another. */
export interface FramedTransform extends FramedPose {
  /** The frame that is placed; undefined where the message names none. */
  readonly child?: string;
}

type Data = { readonly [field: string]: unknown };

/** Whether what a topic tells holds for ever, as ROS has it by the topic's name. */
export function isStaticTopic(name: string): boolean {
  return /tf_static$/.test(name);
}

/** The name of a frame: older ROS begins them with a slash, which means nothing. Undefined where there is none. */
export function frameName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.replace(/^\/+/, "");
  return name === "" ? undefined : name;
}

/** The frame of a message. */
export function frameOf(data: Data): string | undefined {
  return frameName(record(data.header)?.frame_id) ?? frameName(data.frame_id);
}

/** The time in a message's header; undefined where there is none, or it was left at 0. */
export function stampOf(data: Data): bigint | undefined {
  const header = record(data.header);
  const stamp = header?.stamp ?? header?.timestamp;
  if (typeof stamp === "bigint") return stamp === 0n ? undefined : stamp;
  const time = record(stamp);
  if (!time) return undefined;
  const seconds = whole(time.sec ?? time.secs ?? time.seconds);
  const rest = whole(
    time.nanosec ?? time.nsec ?? time.nsecs ?? time.nanoseconds,
  );
  const ns = seconds === undefined ? 0n : seconds * 1_000_000_000n + (rest ?? 0n);
  return ns === 0n ? undefined : ns;
}

/** The pose of a message: of a `Pose`, a `MotionState`, and what ROS stamps or gives a covariance. Undefined where it has none. */
export function poseOf(data: Data): FramedPose | undefined {
  const numbers = poseNumbers(data);
  return numbers && { ...headOf(data), numbers };
}

/** The transforms of a message: one, or a list. */
export function transformsOf(data: Data): FramedTransform[] {
  if (Array.isArray(data.transforms)) {
    return data.transforms.flatMap((one) => record(one) ? transformsOf(one as Data) : []);
  }
  const inner = record(data.transform) ?? data;
  const numbers = sevenOf(record(inner.translation), record(inner.rotation));
  if (!numbers) return [];
  const child = frameName(data.child_frame_id) ??
    frameName(data.target_frame_id);
  return [{ ...headOf(data), numbers, ...(child !== undefined && { child }) }];
}

/** The places of a message that is a list of poses, x, y, z one after another; undefined where it is none. */
export function waypointsOf(data: Data): Float32Array<ArrayBuffer> | undefined {
  if (!Array.isArray(data.poses)) return undefined;
  const poses = data.poses.flatMap((pose) => record(pose) ? poseNumbers(pose as Data) ?? [] : []);
  const places = new Float32Array(poses.length / 7 * 3);
  for (let i = 0; i * 7 < poses.length; i++) {
    places.set(poses.slice(7 * i, 7 * i + 3), 3 * i);
  }
  return places;
}

function poseNumbers(data: Data): PoseNumbers | undefined {
  let inner = data;
  // A pose may lie in one with a covariance, and that in one with a header.
  for (let depth = 0; depth < 2 && record(inner.pose); depth++) {
    inner = inner.pose as Data;
  }
  return sevenOf(record(inner.position), record(inner.orientation));
}

function headOf(data: Data): Pick<FramedPose, "frame" | "stampNs"> {
  const [frame, stampNs] = [frameOf(data), stampOf(data)];
  return {
    ...(frame !== undefined && { frame }),
    ...(stampNs !== undefined && { stampNs }),
  };
}

function sevenOf(
  place: Data | undefined,
  turn: Data | undefined,
): PoseNumbers | undefined {
  if (!place || !turn) return undefined;
  const number = (value: unknown) => typeof value === "number" ? value : NaN;
  const [x, y, z] = [place.x, place.y, place.z].map(number);
  const [qx, qy, qz, qw] = [turn.x, turn.y, turn.z, turn.w].map(number);
  return [x, y, z, qx, qy, qz, qw];
}

function record(value: unknown): Data | undefined {
  return typeof value === "object" && value !== null ? value as Data : undefined;
}

function whole(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}
