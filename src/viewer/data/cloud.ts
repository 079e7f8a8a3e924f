/**
 * Messages with points -> coordinates, one after another.
 *
 * @module
 */
import { type LaserScan, type MessageData, type PointCloud2, SmaltiError } from "../../entry/web.ts";
import type { CloudAnswer } from "./protocol.ts";
import { frameOf, stampOf } from "./spatial.ts";

/** Points of a message at most: what is beyond is left out. */
const MAX_POINTS = 2_000_000;

/** Reads a number of a packed point. */
type Read = (view: DataView, at: number, isLittle: boolean) => number;

/** By the codes of ROS's PointField. */
const READS: Readonly<Record<number, { bytes: number; read: Read }>> = {
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { bytes: 2, read: (view, at, isLittle) => view.getInt16(at, isLittle) },
  4: { bytes: 2, read: (view, at, isLittle) => view.getUint16(at, isLittle) },
  5: { bytes: 4, read: (view, at, isLittle) => view.getInt32(at, isLittle) },
  6: { bytes: 4, read: (view, at, isLittle) => view.getUint32(at, isLittle) },
  7: { bytes: 4, read: (view, at, isLittle) => view.getFloat32(at, isLittle) },
  8: { bytes: 8, read: (view, at, isLittle) => view.getFloat64(at, isLittle) },
};
/** What points are coloured by, the first that is there. */
const COLOURS = ["intensity", "reflectivity", "intensities", "rgb", "range", "ring"];

/** A message's points. UNSUPPORTED where it has none, CORRUPT where its bytes do not hold what it tells. */
export function cloudOf(data: MessageData): CloudAnswer {
  if (data.data instanceof Uint8Array && data.fields !== undefined && data.point_step !== undefined) {
    return packedCloud(data as unknown as PointCloud2);
  }
  if (data.ranges !== undefined && data.angle_increment !== undefined) {
    return scan(data as unknown as LaserScan);
  }
  const [x, y, z] = ["x", "y", "z"].map((name) => numbers(data[name]));
  if (x && y && z) return lists(data, x, y, z);
  throw new SmaltiError(
    "UNSUPPORTED",
    "The message has no points: wanted a point cloud, a scan, or lists x, y and z",
  );
}

function packedCloud(cloud: PointCloud2): CloudAnswer {
  const { data, fields, point_step: step, row_step: rowStep, width, height, is_bigendian: isBig } = cloud;
  const place = (name: string) => {
    const field = fields.find((field) => field.name === name);
    if (!field) return undefined;
    const reads = READS[Number(field.datatype)];
    if (!reads || field.offset + reads.bytes > step) {
      throw new SmaltiError(
        "CORRUPT",
        `Field ${name} of the points lies outside them, or is of no known type`,
      );
    }
    return { offset: field.offset, read: reads.read };
  };
  const axes = ["x", "y", "z"].map((name) => {
    const axis = place(name);
    if (axis) return axis;
    throw new SmaltiError("UNSUPPORTED", `The points have no ${name}`);
  });
  const rows = Math.max(rowStep, width * step);
  // The last row need not be padded.
  if (step < 1 || (height > 0 && width > 0 && data.length < rows * (height - 1) + width * step)) {
    throw new SmaltiError("CORRUPT", `The cloud has ${data.length} bytes, wanted ${height} rows of ${rows}`);
  }
  const valueName = COLOURS.find((name) => fields.some((field) => field.name === name));
  const value = valueName === undefined ? undefined : place(valueName);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found = new Points(width * height, value ? valueName : undefined);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * rows + column * step;
      const [x, y, z] = axes.map(({ offset, read }) => read(view, at + offset, !isBig));
      found.add(x, y, z, value ? value.read(view, at + value.offset, !isBig) : 0);
    }
  }
  return found.answer(cloud as MessageData);
}

function scan(sweep: LaserScan): CloudAnswer {
  const { angle_min: first, angle_increment: step, range_min: least, range_max: most } = sweep;
  const ranges = numbers(sweep.ranges) ?? [];
  const intensities = numbers(sweep.intensities);
  const hasValues = intensities?.length === ranges.length;
  const found = new Points(ranges.length, hasValues ? "intensity" : undefined);
  for (let beam = 0; beam < ranges.length; beam++) {
    const range = ranges[beam];
    if (!(range >= least && range <= most)) continue;
    const angle = first + beam * step;
    found.add(range * Math.cos(angle), range * Math.sin(angle), 0, hasValues ? intensities[beam] : 0);
  }
  return found.answer(sweep as MessageData);
}

function lists(
  data: MessageData,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  z: ArrayLike<number>,
): CloudAnswer {
  const count = Math.min(x.length, y.length, z.length);
  const valueName = COLOURS.find((name) => numbers(data[name])?.length === count);
  const values = valueName === undefined ? undefined : numbers(data[valueName]);
  const found = new Points(count, valueName);
  for (let i = 0; i < count; i++) found.add(x[i], y[i], z[i], values?.[i] ?? 0);
  return found.answer(data);
}

function numbers(value: unknown): ArrayLike<number> | undefined {
  if (Array.isArray(value)) return value.map((item) => typeof item === "number" ? item : NaN);
  return ArrayBuffer.isView(value) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array)
    ? value as unknown as ArrayLike<number>
    : undefined;
}

/** Points that are whole. */
class Points {
  readonly #points: Float32Array<ArrayBuffer>;
  readonly #values: Float32Array<ArrayBuffer> | undefined;
  readonly #valueName: string | undefined;
  readonly #most: number;
  #count = 0;

  constructor(count: number, valueName: string | undefined) {
    this.#most = Math.min(count, MAX_POINTS);
    this.#points = new Float32Array(3 * this.#most);
    this.#values = valueName === undefined ? undefined : new Float32Array(this.#most);
    this.#valueName = valueName;
  }

  add(x: number, y: number, z: number, value: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y) || !Number.isFinite(z) || this.#count === this.#most) {
      return;
    }
    this.#points.set([x, y, z], 3 * this.#count);
    if (this.#values) this.#values[this.#count] = value;
    this.#count++;
  }

  answer(data: MessageData): CloudAnswer {
    const [frame, stampNs] = [frameOf(data), stampOf(data)];
    return {
      kind: "cloud",
      points: this.#points.slice(0, 3 * this.#count),
      ...(this.#values && { values: this.#values.slice(0, this.#count), valueName: this.#valueName! }),
      ...(frame !== undefined && { frame }),
      ...(stampNs !== undefined && { stampNs }),
    };
  }
}
