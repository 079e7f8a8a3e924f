/**
 * Arrow IPC messages <-> FlightData. In a stream a message is framed: continuation marker, length, metadata, body; Flight
 * carries the metadata and the body apart and without the frame.
 *
 * @module
 */
import { decodeFrame } from "../arrow/decode.ts";
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
 * What Flight carries as a framed message: fresh bytes, the body at a multiple of 8. CORRUPT where the header is none, or
 * tells of another length of body.
 */
export function fromFlight({ dataHeader, dataBody }: FlightParts): { type: number; message: Uint8Array } {
  const length = Math.ceil(dataHeader.length / 8) * 8;
  const message = new Uint8Array(PREFIX_BYTES + length + dataBody.length);
  const view = new DataView(message.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, length, true);
  message.set(dataHeader, PREFIX_BYTES);
  message.set(dataBody, PREFIX_BYTES + length);
  const frame = decodeFrame(message);
  if (!frame || frame.bodyBytes !== dataBody.length) {
    const wanted = frame ? `wanted ${frame.bodyBytes}` : "wanted a header before it";
    throw new SmaltiError("CORRUPT", `Arrow message has a body of ${dataBody.length} bytes: ${wanted}`);
  }
  return { type: frame.type, message };
}
