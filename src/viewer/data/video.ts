/**
 * One frame of a video: it is decoded from the key frame before it on.
 *
 * @module
 */
import { type CompressedImage, type Message, SmaltiError } from "../../entry/web.ts";
import { pictureOf } from "./picture.ts";
import type { PictureAnswer } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** Frames that are looked at for a key frame, and bytes of them. */
const [MAX_FRAMES, MAX_BYTES] = [1000, 64 * 2 ** 20];
/** Types of the units of an H.264 stream that a decoder can begin with: a key frame, or its parameters. */
const KEY_UNITS: ReadonlySet<number> = new Set([5, 7]);

/** A message's picture, whether or not it needs the frames before it. Errors as {@linkcode pictureOf} and of damaged video. */
export async function framePictureOf(
  recording: Recording,
  message: Message,
  signal: AbortSignal,
): Promise<PictureAnswer> {
  return isVideo(message) ? await videoPictureOf(recording, message, signal) : await pictureOf(message.data);
}

/** Whether a message holds a frame that needs those before it. */
function isVideo(message: Message): boolean {
  const { format } = message.data as Partial<CompressedImage>;
  return format === "h264";
}

/** The picture of a frame; its bytes where this runtime decodes no video. CORRUPT where no key frame is before it. */
async function videoPictureOf(
  recording: Recording,
  message: Message,
  signal: AbortSignal,
): Promise<PictureAnswer> {
  if (!("VideoDecoder" in globalThis)) {
    const bytes = (message.data as CompressedImage).data.slice();
    return {
      kind: "picture",
      format: "h264",
      bytes,
      reason: "This browser does not decode video (WebCodecs)",
    };
  }
  const frames = await framesUpTo(recording, message.topic, message.timestampNs, signal);
  const { decodeVideo } = await import("../../image/mod.ts");
  let last: { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } | undefined;
  for await (const [, pixels] of decodeVideo(frames, (frame) => frame)) {
    signal.throwIfAborted();
    last = pixels as typeof last;
  }
  if (!last) throw new SmaltiError("CORRUPT", "The video's frame gave no picture");
  const { width, height } = last;
  const bitmap = await createImageBitmap(new ImageData(last.data, width, height));
  return { kind: "picture", format: "h264", width, height, bitmap };
}

/** The frames from the last key frame on up to a moment, in order. CORRUPT where there is no key frame near before it. */
export async function framesUpTo(
  recording: Recording,
  topic: string,
  ns: bigint,
  signal: AbortSignal,
): Promise<CompressedImage[]> {
  const handler = await recording.topic(topic);
  const frames: CompressedImage[] = [];
  let bytes = 0;
  for await (const message of handler.getDataStreamer({ endNs: ns + 1n, reverse: true, signal })) {
    const { data, format } = message.data as CompressedImage;
    frames.push({ data: data.slice(), format } as CompressedImage);
    bytes += data.length;
    if (isKeyFrame(data)) return frames.reverse();
    if (frames.length === MAX_FRAMES || bytes > MAX_BYTES) break;
  }
  throw new SmaltiError(
    "CORRUPT",
    `The video has no key frame among the ${frames.length} frames up to here`,
    { topic },
  );
}

/** Whether a decoder can begin with a frame: it has a unit of such a type, which follows a start code (0, 0, 1). */
function isKeyFrame(data: Uint8Array): boolean {
  for (let at = data.indexOf(1, 2); at >= 0 && at + 1 < data.length; at = data.indexOf(1, at + 1)) {
    if (data[at - 1] === 0 && data[at - 2] === 0 && KEY_UNITS.has(data[at + 1] & 31)) return true;
  }
  return false;
}
