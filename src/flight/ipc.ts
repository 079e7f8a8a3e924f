/**
 * Arrow IPC messages <-> FlightData. In a stream a message is framed: continuation marker, length, metadata, body; Flight
 * carries the metadata and the body apart and without the frame.
 *
 * @module
 */
import { decodeFrame } from "../engine/batch_message.ts";
import { SmaltiError } from "../error.ts";

/** Continuation marker and length. */
const PREFIX_BYTES = 8;

/** A message's parts, named as in FlightData. */
export interface FlightParts {
  dataHeader: Uint8Array;
  dataBody: Uint8Array;
}

/** A framed message as Flight carries it; views. */
export function toFlight(message: Uint8Array): FlightParts {
  const { headBytes } = decodeFrame(message)!;
  return { dataHeader: message.subarray(PREFIX_BYTES, headBytes), dataBody: message.subarray(headBytes) };
}

/**
 * What Flight carries as a framed message, the body at a multiple of 8. It takes over the bytes of both parts: where they
 * lie in one buffer, header first, the message is put together there. CORRUPT where the header is none, or tells of another
 * length of body.
 */
export function fromFlight({ dataHeader, dataBody }: FlightParts): { type: number; message: Uint8Array } {
  const message = inPlace(dataHeader, dataBody) ?? fresh(dataHeader, dataBody);
  const frame = decodeFrame(message);
  if (!frame || frame.bodyBytes !== dataBody.length) {
    const wanted = frame ? `wanted ${frame.bodyBytes}` : "wanted a header before it";
    throw new SmaltiError("CORRUPT", `Arrow message has a body of ${dataBody.length} bytes: ${wanted}`);
  }
  return { type: frame.type, message };
}

function inPlace(header: Uint8Array, body: Uint8Array): Uint8Array | undefined {
  if (header.buffer !== body.buffer || header.byteOffset > body.byteOffset) return undefined;
  const bodyAt = body.byteOffset - body.byteOffset % 8;
  const start = bodyAt - PREFIX_BYTES - padded(header);
  if (start < 0) return undefined;
  const saved = header.slice();
  new Uint8Array(body.buffer).copyWithin(bodyAt, body.byteOffset, body.byteOffset + body.length);
  return writeHead(new Uint8Array(body.buffer, start, bodyAt - start + body.length), saved);
}

function fresh(header: Uint8Array, body: Uint8Array): Uint8Array {
  const headBytes = PREFIX_BYTES + padded(header);
  const message = new Uint8Array(headBytes + body.length);
  message.set(body, headBytes);
  return writeHead(message, header);
}

/** Continuation marker, length, header, zeros. */
function writeHead(message: Uint8Array, header: Uint8Array): Uint8Array {
  const view = new DataView(message.buffer, message.byteOffset);
  view.setInt32(0, -1, true);
  view.setInt32(4, padded(header), true);
  message.set(header, PREFIX_BYTES);
  message.fill(0, PREFIX_BYTES + header.length, PREFIX_BYTES + padded(header));
  return message;
}

function padded(header: Uint8Array): number {
  return Math.ceil(header.length / 8) * 8;
}
