/**
 * MCAP files with pictures, as others make them.
 *
 * @module
 */
import { create, createFileRegistry, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import type { CompressedImage, Image } from "../../src/image/mod.ts";
import { encodeBase64 } from "../../src/util/base64.ts";
import { encode, writeMcap } from "../import/mcap_file.ts";

/** Fields of Foxglove's schemas in the order of their numbers. */
const FOXGLOVE = {
  RawImage: { timestamp: 1, width: 2, height: 3, encoding: 4, step: 5, data: 6, frame_id: 7 },
  CompressedImage: { timestamp: 1, data: 2, format: 3, frame_id: 4 },
} as const;

const [TEXT, WHOLE] = [{ type: "string" }, { type: "integer", minimum: 0 }];
const BYTES = { type: "string", contentEncoding: "base64" };
/** The same as JSON Schemas. */
export const FOXGLOVE_JSON = {
  RawImage: {
    type: "object",
    properties: { width: WHOLE, height: WHOLE, encoding: TEXT, step: WHOLE, data: BYTES, frame_id: TEXT },
  },
  CompressedImage: { type: "object", properties: { data: BYTES, format: TEXT, frame_id: TEXT } },
};

/** An MCAP of Foxglove's pictures with the topics "raw" and "packed"; message i is at i + 1 ns. */
export async function foxgloveFile(
  encoding: string,
  raw: readonly Image[],
  packed: readonly CompressedImage[],
): Promise<Uint8Array> {
  const topics = {
    RawImage: raw.map(({ stride, ...image }) => ({ ...image, step: stride, frame_id: "front" })),
    CompressedImage: packed.map(({ data, format }) => ({ data, format, frame_id: "front" })),
  };
  return await writeMcap(async (file) => {
    for (const type of ["RawImage", "CompressedImage"] as const) {
      const topic = type === "RawImage" ? "/raw" : "/packed";
      const schema = protobufSchema(type);
      const channel = encoding === "json"
        ? await file.json(topic, FOXGLOVE_JSON[type], `foxglove.${type}`)
        : await file.channel(topic, "protobuf", {
          name: `foxglove.${type}`,
          encoding: "protobuf",
          data: toBinary(FileDescriptorSetSchema, schema),
        });
      const message = createFileRegistry(schema).getMessage(`foxglove.${type}`)!;
      for (const [i, picture] of topics[type].entries()) {
        const values = Object.fromEntries(
          Object.entries(picture).filter(([name]) => Object.hasOwn(FOXGLOVE[type], name)),
        );
        const bytes = encoding === "json"
          ? encode(JSON.stringify({ ...values, data: encodeBase64(picture.data) }))
          : toBinary(message, protobufMessage(message, values));
        await file.message(channel, BigInt(i + 1), bytes);
      }
    }
  });
}

/** The descriptors of one of Foxglove's schemas; its time, which is not looked at, is left out. */
function protobufSchema(type: keyof typeof FOXGLOVE): FileDescriptorSet {
  const types: Record<string, Type> = {
    data: Type.BYTES,
    width: Type.FIXED32,
    height: Type.FIXED32,
    step: Type.FIXED32,
  };
  const field = Object.entries(FOXGLOVE[type]).filter(([name]) => name !== "timestamp")
    .map(([name, number]) => ({ name, number, type: types[name] ?? Type.STRING, label: Label.OPTIONAL }));
  const file = {
    name: `foxglove/${type}.proto`,
    package: "foxglove",
    syntax: "proto3",
    messageType: [{ name: type, field }],
  };
  return create(FileDescriptorSetSchema, { file: [file] });
}

function protobufMessage(type: DescMessage, values: Record<string, unknown>): Message {
  const message = reflect(type);
  for (const field of type.fields) message.set(field, values[field.name]);
  return message.message;
}

/** An MCAP of ROS with the topics "raw", "packed" and one of another type; message i is at i + 1 ns. */
export async function rosFile(
  isRos1: boolean,
  raw: readonly Image[],
  packed: readonly (readonly [format: string, data: Uint8Array])[],
): Promise<Uint8Array> {
  const encoding = isRos1 ? "ros1" : "cdr";
  const schemaEncoding = isRos1 ? "ros1msg" : "ros2msg";
  const define = (type: string, fields: string) => ({
    name: isRos1 ? `sensor_msgs/${type}` : `sensor_msgs/msg/${type}`,
    encoding: schemaEncoding,
    data: encode(fields),
  });
  return await writeMcap(async (file) => {
    const rawFields =
      "uint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data\n";
    const images = await file.channel("/raw", encoding, define("Image", rawFields));
    for (const [i, image] of raw.entries()) {
      const out = new RosBytes(isRos1);
      out.uint32(image.height);
      out.uint32(image.width);
      out.text(image.encoding);
      out.uint8(image.is_bigendian ? 1 : 0);
      out.uint32(image.stride);
      out.bytes(image.data);
      await file.message(images, BigInt(i + 1), out.done());
    }
    const compressed = await file.channel(
      "/packed",
      encoding,
      define("CompressedImage", "string format\nuint8[] data\n"),
    );
    for (const [i, [format, data]] of packed.entries()) {
      const out = new RosBytes(isRos1);
      out.text(format);
      out.bytes(data);
      await file.message(compressed, BigInt(i + 1), out.done());
    }
    const other = await file.channel("/range", encoding, define("Range", "uint32 range\n"));
    const out = new RosBytes(isRos1);
    out.uint32(5);
    await file.message(other, 1n, out.done());
  });
}

/** Values as ROS 1 has them, or ROS 2: CDR, which aligns and ends texts with a zero. */
class RosBytes {
  readonly #isRos1: boolean;
  readonly #bytes: number[] = [];

  constructor(isRos1: boolean) {
    this.#isRos1 = isRos1;
  }

  uint8(value: number): void {
    this.#bytes.push(value);
  }

  uint32(value: number): void {
    while (!this.#isRos1 && this.#bytes.length % 4 !== 0) this.#bytes.push(0);
    for (const shift of [0, 8, 16, 24]) this.#bytes.push((value >>> shift) & 255);
  }

  text(value: string): void {
    this.bytes(encode(this.#isRos1 ? value : value + "\0"));
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.#bytes.push(...value);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#isRos1 ? this.#bytes : [0, 1, 0, 0, ...this.#bytes]);
  }
}
