/**
 * What DoGet is asked with. Opaque to clients; laid out as the daemon does (bincode 2, standard): locator, then each
 * bound as 0, or 1 and the time.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

/** A topic's rows in a window. */
export interface TicketFields {
  /** Locator of the topic. */
  readonly locator: string;
  /** First time inside. */
  readonly startNs?: bigint;
  /** First time outside. */
  readonly endNs?: bigint;
}

/** Fields -> bytes. */
export function encodeTicket({ locator, startNs, endNs }: TicketFields): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(locator);
  const bytes = [...varint(BigInt(text.length)), ...text];
  for (const bound of [startNs, endNs]) {
    if (bound === undefined) bytes.push(0);
    // Zigzag: small numbers of either sign are small.
    else bytes.push(1, ...varint(BigInt.asUintN(64, bound < 0n ? -2n * bound - 1n : 2n * bound)));
  }
  return Uint8Array.from(bytes);
}

/** Bytes -> fields. INVALID_ARGUMENT where they are none. */
export function decodeTicket(bytes: Uint8Array): TicketFields {
  const reader = new Reader(bytes);
  const locator = reader.text();
  const startNs = reader.bound();
  const endNs = reader.bound();
  reader.end();
  return {
    locator,
    ...(startNs !== undefined && { startNs }),
    ...(endNs !== undefined && { endNs }),
  };
}

/** Below 251 one byte; else 251, 252 or 253 and 2, 4 or 8 bytes, little-endian. */
function varint(value: bigint): Uint8Array {
  if (value < 251n) return Uint8Array.of(Number(value));
  const size = value < 1n << 16n ? 2 : value < 1n << 32n ? 4 : 8;
  const view = new DataView(new ArrayBuffer(9));
  view.setUint8(0, 250 + Math.log2(size));
  view.setBigUint64(1, value, true);
  return new Uint8Array(view.buffer, 0, 1 + size);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  text(): string {
    const length = this.#varint();
    if (length > this.#bytes.length) throw refusal();
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(this.#take(Number(length)));
    } catch {
      throw refusal();
    }
  }

  bound(): bigint | undefined {
    const [tag] = this.#take(1);
    if (tag === 0) return undefined;
    if (tag !== 1) throw refusal();
    const zigzag = this.#varint();
    return (zigzag & 1n) === 0n ? zigzag >> 1n : -(zigzag >> 1n) - 1n;
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw refusal();
  }

  #varint(): bigint {
    const [first] = this.#take(1);
    if (first < 251) return BigInt(first);
    if (first > 253) throw refusal();
    const wide = new Uint8Array(8);
    wide.set(this.#take(2 ** (first - 250)));
    return new DataView(wide.buffer).getBigUint64(0, true);
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw refusal();
    return this.#bytes.subarray(this.#at, this.#at += length);
  }
}

function refusal(): SmaltiError {
  return new SmaltiError("INVALID_ARGUMENT", "Ticket is not one that this server gave");
}
