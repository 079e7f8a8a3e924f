/**
 * Seeded ROS messages for the benchmarks of imports: each type is serialized once, then only numbers change.
 *
 * @module
 */
import { parse } from "@foxglove/rosmsg";
import { MessageWriter } from "@foxglove/rosmsg2-serialization";
import { definitionsOf } from "../src/import/ros/ros_definitions.ts";
import { random } from "./data.ts";

/** Messages of one topic. */
export interface RosTopic {
  readonly name: string;
  /** As `sensor_msgs/msg/Imu`. */
  readonly type: string;
  /** In the form `ros2msg`. */
  readonly definition: string;
  /** The next message in CDR; good until the next call. */
  next(timeNs: bigint): Uint8Array;
  /** How often it comes beside the others. */
  readonly weight: number;
}

const header = { stamp: { sec: 0, nanosec: 0 }, frame_id: "base_link" };
const zero3 = { x: 0, y: 0, z: 0 };
const zero4 = { x: 0, y: 0, z: 0, w: 1 };

/** An IMU with covariances that do not change. */
export const imu = {
  header,
  orientation: zero4,
  orientation_covariance: new Float64Array(9),
  angular_velocity: zero3,
  angular_velocity_covariance: new Float64Array(9),
  linear_acceleration: zero3,
  linear_acceleration_covariance: new Float64Array(9),
};

/** Ten transforms. */
export const transforms = {
  transforms: Array.from({ length: 10 }, (_, i) => ({
    header,
    child_frame_id: `frame_${i}`,
    transform: { translation: zero3, rotation: zero4 },
  })),
};

const laser = {
  header,
  angle_min: -3.14,
  angle_max: 3.14,
  angle_increment: 0.00873,
  time_increment: 0,
  scan_time: 0.1,
  range_min: 0.1,
  range_max: 30,
  ranges: new Float32Array(720),
  intensities: new Float32Array(720),
};

const image = {
  header,
  height: 240,
  width: 320,
  encoding: "rgb8",
  is_bigendian: 0,
  step: 960,
  data: new Uint8Array(320 * 240 * 3),
};

/** An IMU at 800 Hz, transforms at 200 Hz, a laser at 20 Hz; and images, a tenth of the bytes. */
export function rosTopics(): RosTopic[] {
  return [
    topic("/imu", "sensor_msgs/msg/Imu", imu, 800, (view, next) => {
      noise64(view, 28, 4, next);
      noise64(view, 132, 3, next);
      noise64(view, 228, 3, next);
    }),
    topic("/tf", "tf2_msgs/msg/TFMessage", transforms, 200, (view, next) => {
      // The numbers of each lie behind its texts, of one length.
      for (let i = 0; i < 10; i++) {
        noise64(view, TF_FIRST + i * TF_STRIDE, 7, next);
      }
    }),
    topic("/scan", "sensor_msgs/msg/LaserScan", laser, 20, (view, next) => {
      for (
        let at = view.byteLength - 4 * 1441;
        at + 4 <= view.byteLength;
        at += 4
      ) {
        if (at !== view.byteLength - 4 * 721) {
          view.setFloat32(
            at,
            Math.fround(Math.round(8000 * next()) / 1000),
            true,
          );
        }
      }
    }),
    topic("/camera", "sensor_msgs/msg/Image", image, 0.25, (view, next) => {
      for (
        let at = view.byteLength - image.data.length;
        at + 4 <= view.byteLength;
        at += 4
      ) view.setUint32(at, 2 ** 32 * next(), true);
    }),
  ];
}

const TF_FIRST = 44;
const TF_STRIDE = 96;

function noise64(
  view: DataView,
  at: number,
  count: number,
  next: () => number,
): void {
  for (let i = 0; i < count; i++) {
    view.setFloat64(at + 8 * i, next() - 0.5, true);
  }
}

/** A topic whose messages begin as one, with their time and what `change` makes other. */
function topic(
  name: string,
  type: string,
  message: unknown,
  weight: number,
  change: (view: DataView, next: () => number) => void,
): RosTopic {
  const [definition] = definitionsOf(type);
  const bytes = new MessageWriter(parse(definition, { ros2: true }))
    .writeMessage(message);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const next = random(name.length);
  const stamp = type.startsWith("tf2") ? 8 : 4;
  return {
    name,
    type,
    definition,
    weight,
    next(timeNs) {
      view.setInt32(stamp, Number(timeNs / 1_000_000_000n), true);
      view.setUint32(stamp + 4, Number(timeNs % 1_000_000_000n), true);
      change(view, next);
      return bytes;
    },
  };
}
