/**
 * A sequence -> the files of its pictures.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { decodeBase64 } from "../util/base64.ts";
import { encodeImage } from "../image/encode_image.ts";
import { imageFile } from "../image/image_file.ts";
import type { MessageData } from "../read/merge/message.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { TopicSchema } from "../types.ts";
import { exportFiles } from "./directory_files.ts";
import type { OutputDirectory } from "./output_directory.ts";
import type { ExportOptions, ExportReport } from "./recording_export.ts";

/** How the files of each format end. Frames of a video are no files. */
const ENDINGS: Readonly<Record<string, string>> = {
  png: "png",
  jpeg: "jpg",
  webp: "webp",
  bmp: "bmp",
  tiff: "tiff",
};

/** A picture as it goes out. */
interface PictureFile {
  readonly ending: string;
  readonly bytes: Uint8Array;
}
type MakeFile = (data: MessageData) => PictureFile | Promise<PictureFile>;

/** A kind of topics that hold pictures: the columns that they must have, and their files. */
interface Kind {
  readonly columns: readonly string[];
  readonly file: MakeFile;
}

const COMPRESSED: Kind = { columns: ["data", "format"], file: fileOf };
const ROS_IMAGE: Kind = {
  columns: ["data", "width", "height", "step", "encoding", "is_bigendian"],
  file: (data) => pngOf(data, data.step, data.is_bigendian),
};
/** Of Foxglove's schemas, whose samples begin with the lowest byte. */
const RAW_IMAGE: Kind = {
  columns: ["data", "width", "height", "step", "encoding"],
  file: (data) => pngOf(data, data.step, false),
};

/** By ontology, or by the type that messages came with. */
const KINDS: Readonly<Record<string, Kind>> = {
  Image: {
    columns: ["data", "format", "width", "height", "stride", "encoding"],
    file: (data) =>
      data.format === "raw" || data.format === "png"
        ? pngOf(data, data.stride, data.is_bigendian)
        : fileOf(data),
  },
  CompressedImage: COMPRESSED,
  "sensor_msgs/Image": ROS_IMAGE,
  "sensor_msgs/CompressedImage": COMPRESSED,
  // Foxglove's in Protocol Buffers, FlatBuffers and JSON, and in ROS.
  "foxglove.RawImage": RAW_IMAGE,
  "foxglove.CompressedImage": COMPRESSED,
  "foxglove_msgs/RawImage": RAW_IMAGE,
  "foxglove_msgs/CompressedImage": COMPRESSED,
};

/**
 * Writes the pictures of a sequence, each as a file `TOPIC/TIMESTAMP_NS.EXT` with its time in nanoseconds; where two of a
 * topic have the same time the later are `TIMESTAMP_NS_1`, `TIMESTAMP_NS_2` and so on. Topics with pictures are those of
 * the ontologies `Image` and `CompressedImage`, and those imported as `sensor_msgs/Image` and `CompressedImage` of ROS or as
 * Foxglove's `RawImage` and `CompressedImage`. Without `topics` all others are passed over.
 *
 * Compressed pictures go out byte for byte as .jpg, .png, .webp, .bmp or .tiff; of ROS's `compressedDepth` the PNG in it.
 * Raw ones go out as PNG, as `encodeImage` makes it: gray, RGB and RGBA of 8 and 16 bits without loss.
 *
 * Rejects with INVALID_ARGUMENT where a topic that is named has no pictures, or none has; UNSUPPORTED for frames of a video
 * (`h264`, `hevc`) and what else is no file, and for encodings without a picture; INVALID_MESSAGE or CORRUPT for what is
 * damaged. The text names topic and time. The directory is closed at the end and aborted where it fails.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createDirectory, exportImages } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportImages(handler, await createDirectory("pictures"), { topics: ["camera/front"] });
 * ```
 */
export async function exportImages(
  handler: SequenceHandler,
  directory: OutputDirectory,
  options: ExportOptions = {},
): Promise<ExportReport> {
  return await exportFiles(handler, directory, options, async (recording, files) => {
    const { handler } = recording;
    const makers = new Map<string, MakeFile | undefined>();
    const makerOfTopic = async (name: string) => {
      if (!makers.has(name)) makers.set(name, makerOf(await handler.topicSchema(name)));
      const maker = makers.get(name);
      if (!maker && options.topics) throw await noPictures(handler, name);
      return maker;
    };
    // What is passed on as it comes tells its topics with their messages.
    if (!handler.isOneShot) { for (const name of recording.topics) await makerOfTopic(name); }
    const restrict = () => {
      const names = [...makers].filter(([, maker]) => maker !== undefined).map(([name]) => name);
      if (names.length === 0) throw noneAtAll(handler);
      recording.restrictTo(names);
    };
    if (!handler.isOneShot) restrict();
    const nameOf = fileNames();
    for await (const block of recording.blocks()) {
      for (const [topic, { timestampNs, data }] of block) {
        options.signal?.throwIfAborted();
        const make = await makerOfTopic(topic);
        if (!make) {
          recording.leaveOut();
          continue;
        }
        const picture = await named(topic, timestampNs, () => make(data)).catch((reason) => {
          recording.leaveOutMessage(reason, topic, timestampNs);
        });
        if (!picture) continue;
        const file = await files.open(`${nameOf(topic, timestampNs)}.${picture.ending}`);
        await recording.write(picture.bytes, file);
        await file.close();
      }
    }
    if (handler.isOneShot) { for (const name of recording.topics) await makerOfTopic(name); }
    restrict();
  });
}

async function noPictures(handler: SequenceHandler, topic: string): Promise<SmaltiError> {
  const { ontologyTag } = await handler.topicSchema(topic);
  const text = `Cannot export pictures of topic "${topic}": its ontology is "${ontologyTag}", wanted ` +
    "Image, CompressedImage, or what ROS or Foxglove have of these";
  return new SmaltiError("INVALID_ARGUMENT", text, { sequence: handler.name, topic });
}

function noneAtAll({ name: sequence }: SequenceHandler): SmaltiError {
  const text =
    `Cannot export pictures of sequence "${sequence}": no topic holds any, wanted one of the ontology ` +
    "Image or CompressedImage, or of what ROS or Foxglove have of these";
  return new SmaltiError("INVALID_ARGUMENT", text, { sequence });
}

function makerOf({ ontologyTag, metadata, fields }: TopicSchema): MakeFile | undefined {
  const source = String(metadata["mcap.schema_name"] ?? "").replace("/msg/", "/");
  for (const name of [ontologyTag, source]) {
    if (!Object.hasOwn(KINDS, name)) continue;
    const { columns, file } = KINDS[name];
    // A class of that name may be another, and messages that were kept as bytes have none of the columns.
    if (columns.every((column) => fields.some(({ name }) => name === column))) return file;
  }
  return undefined;
}

/** A compressed picture as the file that it is. */
function fileOf({ data, format = "" }: MessageData): PictureFile {
  const file = imageFile({ data: bytesOf(data), format });
  if (Object.hasOwn(ENDINGS, file.format)) {
    // A copy: what is read lies in memory that may be used anew, and what is written is the sink's.
    return { ending: ENDINGS[file.format], bytes: file.data.slice() };
  }
  const wanted = `wanted ${Object.keys(ENDINGS).join(", ")}; a frame of a video is no picture of its own`;
  throw new SmaltiError("UNSUPPORTED", `its format is "${format}", ${wanted}`);
}

/** An image as a PNG. */
async function pngOf(image: MessageData, stride: number, isBigEndian: unknown): Promise<PictureFile> {
  const { format = "raw", encoding = "" } = image;
  // Integers of JSON may be bigints.
  const [width, height] = [Number(image.width ?? 0), Number(image.height ?? 0)];
  if (width === 0 || height === 0) {
    throw new SmaltiError("UNSUPPORTED", `it has ${width} x ${height} pixels, and a PNG has one at least`);
  }
  const { data } = await encodeImage({
    data: bytesOf(image.data),
    format,
    width,
    height,
    stride: Number(stride ?? 0),
    encoding,
    // ROS has a number.
    is_bigendian: isBigEndian === undefined ? undefined : Boolean(isBigEndian),
  });
  return { ending: ENDINGS.png, bytes: data };
}

function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  // JSON has no bytes.
  if (typeof data === "string") return bytesOfText(data);
  const seen = data === undefined ? "missing" : `a ${typeof data}`;
  throw new SmaltiError("INVALID_MESSAGE", `its data is ${seen}, wanted bytes`);
}

function bytesOfText(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (cause) {
    const seen = text.length > 20 ? `${text.slice(0, 20)}...` : text;
    const wanted = `its data is the text ${JSON.stringify(seen)}, wanted base64`;
    throw new SmaltiError("INVALID_MESSAGE", wanted, { cause });
  }
}

/** Says in a failure which picture it was. */
async function named<T>(topic: string, timestampNs: bigint, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (cause) {
    const { code, rawMessage, details } = SmaltiError.from(cause);
    const text = `Cannot export the picture of topic "${topic}" at ${timestampNs}: ${rawMessage}`;
    throw new SmaltiError(code, text, { ...details, topic, cause });
  }
}

/** Names of files without their endings: those of a topic are asked for in the order of their times. */
function fileNames(): (topic: string, timestampNs: bigint) => string {
  const last = new Map<string, { ns: bigint; count: number }>();
  return (topic, ns) => {
    const before = last.get(topic);
    const count = before?.ns === ns ? before.count + 1 : 0;
    last.set(topic, { ns, count });
    return `${topic}/${ns}${count === 0 ? "" : `_${count}`}`;
  };
}
