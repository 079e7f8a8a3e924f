/**
 * The data of DoGet and DoPut <-> bytes of their streams: gRPC frames of FlightData. Batches are large, so a body is
 * copied once when it is read, and not at all when it is written; connect's own path has three copies each way.
 * Format: gRPC over HTTP2, "Length-Prefixed-Message"; Flight.proto, FlightData.
 *
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { takeBytes } from "../util/buffer_pool.ts";
import { type FlightDescriptor, FlightDescriptorSchema } from "./generated/flight_pb.ts";
import { type FlightParts, fromFlight } from "./ipc.ts";
import { CMD } from "./protocol.ts";

/** Flag, and length of what follows. */
const FRAME_HEAD_BYTES = 5;
/** Room before what is read, so that its Arrow message can be put together there: prefix, padding, alignment. */
const SLACK_BYTES = 24;
/** Below this a body goes with its head: a write of its own costs more than the copy. */
const SMALL_BYTES = 16 * 1024;

/** Numbers of fields in Flight.proto. */
const DESCRIPTOR = 1;
const DATA_HEADER = 2;
const DATA_BODY = 1000;

/** One FlightData as it came. */
export interface ReceivedData {
  /** Of the first message of an upload. */
  readonly descriptor: FlightDescriptor | undefined;
  /** A framed Arrow IPC message that nobody else has; undefined where there is metadata alone. */
  readonly arrow: { readonly type: number; readonly message: Uint8Array } | undefined;
}

/** The bytes of one FlightData, to be written one after another; `dataBody` is passed on as it is. */
export function dataFrame({ dataHeader, dataBody }: FlightParts, command?: Uint8Array): Uint8Array[] {
  const writer = new BinaryWriter();
  if (command) {
    const descriptor = create(FlightDescriptorSchema, { type: CMD, cmd: command });
    writer.tag(DESCRIPTOR, WireType.LengthDelimited).bytes(toBinary(FlightDescriptorSchema, descriptor));
  }
  writer.tag(DATA_HEADER, WireType.LengthDelimited).bytes(dataHeader);
  if (dataBody.length > 0) writer.tag(DATA_BODY, WireType.LengthDelimited).uint32(dataBody.length);
  const fields = writer.finish();
  const isSmall = dataBody.length < SMALL_BYTES;
  const head = new Uint8Array(FRAME_HEAD_BYTES + fields.length + (isSmall ? dataBody.length : 0));
  new DataView(head.buffer).setUint32(1, fields.length + dataBody.length);
  head.set(fields, FRAME_HEAD_BYTES);
  if (!isSmall) return [head, dataBody];
  head.set(dataBody, FRAME_HEAD_BYTES + fields.length);
  return [head];
}

/** The bytes of a message that is not FlightData. */
export function messageFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

/** What {@linkcode readData} is told. */
export interface FrameOptions {
  /** Bytes of a message at most; RESOURCE_EXHAUSTED beyond. */
  maxBytes: number;
  /** Whether buffers of before are used again; who is done with a message gives it back by `giveBytes`. @default false */
  mayReuse?: boolean;
  /** Waits until so many bytes may be held; the function lets go of them. @default nobody waits */
  reserve?: (bytes: number) => Promise<() => void> | undefined;
  /**
   * How long a message may wait for its next bytes, and the first one to begin, in milliseconds; DEADLINE_EXCEEDED beyond.
   * @default for ever
   */
  stallMs?: number;
  /** How long the stream may take to its end, but for waiting to be let in; DEADLINE_EXCEEDED beyond. @default for ever */
  wholeMs?: number;
  /** How messages are compressed that are marked so. @default none is */
  compression?: Compression | undefined;
}

/** Every FlightData of a stream of bytes. */
export async function* readData(
  chunks: AsyncIterable<Uint8Array>,
  options: FrameOptions,
): AsyncGenerator<ReceivedData> {
  for await (const frame of readFrames(chunks, options)) yield decodeData(frame);
}

/** The messages of a stream, each in a buffer of its own. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  options: FrameOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { maxBytes, compression, mayReuse = false, reserve, stallMs = Infinity, wholeMs = Infinity } =
    options;
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  let headBytes = 0;
  let message: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  let release: (() => void) | undefined;
  let hasBegun = false;
  let start = performance.now();
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const leftMs = start + wholeMs - performance.now();
      const waitMs = Math.min(leftMs, headBytes > 0 || !hasBegun ? stallMs : Infinity);
      const text = leftMs < stallMs
        ? `A request takes too long: it is not whole after ${wholeMs} ms`
        : `A message stalls: nothing more of it came in ${stallMs} ms`;
      const { value: chunk, done } = await inTime(source.next(), waitMs, text);
      if (done) break;
      let at = 0;
      for (;;) {
        if (!message) {
          const part = chunk.subarray(at, at + FRAME_HEAD_BYTES - headBytes);
          head.set(part, headBytes);
          headBytes += part.length;
          at += part.length;
          if (headBytes < FRAME_HEAD_BYTES) break;
          const length = new DataView(head.buffer).getUint32(1);
          checkLength(length, maxBytes);
          hasBegun = true;
          const before = performance.now();
          // Nothing tells how large a compressed one becomes.
          release = await reserve?.(head[0] & 1 ? maxBytes : length);
          start += performance.now() - before;
          message = room(length, mayReuse);
          filled = 0;
        }
        const part = chunk.subarray(at, at + message.length - filled);
        message.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < message.length) break; // one without bytes is whole with its head
        const whole: Uint8Array<ArrayBuffer> = message;
        message = undefined;
        headBytes = 0;
        yield head[0] & 1 ? await decompressed(whole, maxBytes, compression) : whole;
        release?.();
        release = undefined;
      }
    }
    if (headBytes > 0) {
      throw new ConnectError("The stream ends within a message", Code.InvalidArgument);
    }
  } finally {
    release?.();
    // Not awaited: one that stalls would not come to its end.
    source.return?.().catch(() => {});
  }
}

async function inTime<T>(promise: Promise<T>, ms: number, text: string): Promise<T> {
  if (ms === Infinity) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectError(text, Code.DeadlineExceeded)), Math.max(0, ms));
  });
  promise.catch(() => {}); // whoever is late may fail unheard
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function checkLength(length: number, maxBytes: number): void {
  if (length <= maxBytes) return;
  throw new ConnectError(
    `A message has ${length} bytes: wanted at most ${maxBytes}`,
    Code.ResourceExhausted,
  );
}

function room(length: number, mayReuse: boolean): Uint8Array<ArrayBuffer> {
  const bytes = SLACK_BYTES + length;
  return (mayReuse ? takeBytes(bytes) : new Uint8Array(bytes)).subarray(SLACK_BYTES);
}

async function decompressed(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
  compression: Compression | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!compression) {
    throw new ConnectError("A message is compressed, and no encoding is named", Code.Internal);
  }
  const raw = await compression.decompress(bytes, maxBytes);
  checkLength(raw.length, maxBytes);
  const message = room(raw.length, false);
  message.set(raw);
  return message;
}

/** One message as FlightData. It takes the bytes over. */
export function decodeData(bytes: Uint8Array): ReceivedData {
  const reader = new BinaryReader(bytes);
  let descriptor: FlightDescriptor | undefined;
  let [dataHeader, dataBody] = [bytes.subarray(0, 0), bytes.subarray(0, 0)];
  try {
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
      else if (field === DATA_HEADER) dataHeader = reader.bytes();
      else if (field === DATA_BODY) dataBody = reader.bytes();
      else if (field === DESCRIPTOR) descriptor = fromBinary(FlightDescriptorSchema, reader.bytes());
      else reader.skip(wireType, field);
    }
  } catch (cause) {
    throw new ConnectError("A message is no FlightData", Code.InvalidArgument, undefined, undefined, cause);
  }
  if (dataHeader.length === 0) return { descriptor, arrow: undefined };
  return { descriptor, arrow: fromFlight({ dataHeader, dataBody }) };
}
