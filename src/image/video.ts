import { SmaltiError } from "../error.ts";
import type { CompressedImage } from "../ontology/builtin/vision.ts";
import { drawn } from "./canvas.ts";
import type { RgbaPixels } from "./rgba_pixels.ts";

/** What WebCodecs has, as far as it is used; the types of servers do not know it. */
interface WebCodecs {
  readonly VideoDecoder?: new (handlers: {
    output: (frame: VideoFrame) => void;
    error: (reason: Error) => void;
  }) => VideoDecoder;
  readonly EncodedVideoChunk: new (
    init: { type: "key" | "delta"; timestamp: number; data: Uint8Array },
  ) => object;
}
interface VideoDecoder {
  configure(config: object): void;
  decode(chunk: object): void;
  flush(): Promise<void>;
  close(): void;
  readonly state: string;
}
interface VideoFrame {
  readonly timestamp: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  close(): void;
}

/** Types of the units of an H.264 stream. */
const [KEY_FRAME, PARAMETERS] = [5, 7];
/** Frames that the decoder may have at a time. */
const MAX_PENDING = 16;

/**
 * Decodes the frames of an H.264 video (Annex B, as ROS's `ffmpeg_image_transport` and Foxglove record it), one topic's in
 * order: yields each item with its picture. Frames before the first key frame have none and are left out.
 *
 * Throws UNSUPPORTED where the runtime has no WebCodecs, which are browsers' (Deno, Node and Bun have none), or a frame
 * is of another format; CORRUPT where the decoder gives up.
 *
 * @param items Messages, or whatever holds frames.
 * @param frameOf The frame of one.
 *
 * @example
 * ```ts
 * import { type Client, CompressedImage } from "smalti";
 * import { decodeVideo } from "smalti/image";
 *
 * async function show(client: Client, context: { putImageData(image: ImageData, x: number, y: number): void }) {
 *   const camera = await client.topicHandler("drive_01", "camera/front");
 *   const frames = decodeVideo(camera.getDataStreamer(), (message) => message.getData(CompressedImage));
 *   for await (const [message, { data, width }] of frames) {
 *     console.log(message.timestampNs);
 *     context.putImageData(new ImageData(data, width), 0, 0);
 *   }
 * }
 * ```
 */
export async function* decodeVideo<T>(
  items: AsyncIterable<T> | Iterable<T>,
  frameOf: (item: T) => CompressedImage,
): AsyncGenerator<[item: T, pixels: RgbaPixels]> {
  const { VideoDecoder, EncodedVideoChunk } = globalThis as unknown as WebCodecs;
  if (!VideoDecoder) {
    throw new SmaltiError(
      "UNSUPPORTED",
      "Cannot decode a video on this runtime: it has no WebCodecs (VideoDecoder)",
    );
  }
  const pending = new Map<number, T>();
  const done: [T, RgbaPixels][] = [];
  let failure: Error | undefined;
  let wake = () => {};
  const decoder = new VideoDecoder({
    output: (frame) => {
      const item = pending.get(frame.timestamp)!;
      pending.delete(frame.timestamp);
      done.push([item, drawn(frame, frame.displayWidth, frame.displayHeight)]);
      frame.close();
      wake();
    },
    error: (reason) => {
      failure = reason;
      wake();
    },
  });
  const check = () => {
    if (failure) throw SmaltiError.from(failure, "CORRUPT", "Cannot decode a video");
  };
  try {
    let count = 0;
    for await (const item of items) {
      const { format, data } = frameOf(item);
      if (format !== "h264") {
        throw new SmaltiError("UNSUPPORTED", `Cannot decode a video of the format "${format}": wanted h264`);
      }
      const units = unitsOf(data);
      const parameters = units.get(PARAMETERS);
      const isKey = units.has(KEY_FRAME);
      if (decoder.state === "unconfigured") {
        if (!isKey || parameters === undefined) continue;
        // The three bytes of the parameters that say what a decoder must be able to do.
        const codec = [1, 2, 3].map((i) => data[parameters + i].toString(16).padStart(2, "0")).join("");
        decoder.configure({ codec: `avc1.${codec}`, optimizeForLatency: true });
      }
      pending.set(count, item);
      // A copy, since what is read may lie in memory that is used anew.
      decoder.decode(
        new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: count, data: data.slice() }),
      );
      count++;
      while (pending.size >= MAX_PENDING && done.length === 0 && !failure) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      check();
      yield* done.splice(0);
    }
    if (decoder.state === "configured") await decoder.flush().catch((reason) => failure ??= reason);
    check();
    yield* done.splice(0);
  } finally {
    if (decoder.state !== "closed") decoder.close();
  }
}

/** Where the first unit of each type begins in a frame whose units follow start codes (0, 0, 1). */
function unitsOf(data: Uint8Array): Map<number, number> {
  const units = new Map<number, number>();
  for (let at = data.indexOf(1, 2); at >= 0 && at + 4 < data.length; at = data.indexOf(1, at + 1)) {
    if (data[at - 1] !== 0 || data[at - 2] !== 0) continue;
    const type = data[at + 1] & 31;
    if (!units.has(type)) units.set(type, at + 1);
  }
  return units;
}
