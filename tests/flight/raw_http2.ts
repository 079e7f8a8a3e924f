/**
 * HTTP/2 by hand: what no client library lets one do, such as going beyond the limits that a server sets.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

/** Types of frames. */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;

const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;

/** A connection that begins streams and leaves them as it likes. */
export class RawConnection {
  /** Streams that the server has reset, by the code. */
  readonly resets: Map<number, number> = new Map();
  /** Streams that the server has answered. */
  readonly answered: Set<number> = new Set();
  /** Streams that the server has answered to the end. */
  readonly ended: Set<number> = new Set();
  /** What the server's settings say, by number. */
  readonly settings: Map<number, number> = new Map();
  /** Whether the server has ended the connection. */
  isClosed = false;
  readonly #socket: Socket;
  #received: Uint8Array = new Uint8Array(0);
  #nextStream = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#receive(bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.isClosed = true);
    this.#write(new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    this.#frame(SETTINGS, 0, 0);
  }

  /** Connects. */
  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new RawConnection(socket);
  }

  /** Begins a stream and does not end it; its number. */
  begin(headers: Readonly<Record<string, string>>): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#frame(HEADERS, END_HEADERS, stream, headerBlock(headers));
    return stream;
  }

  /** Begins a call of gRPC; its number. */
  beginCall(method: string, headers: Readonly<Record<string, string>> = {}): number {
    return this.begin({
      ":method": "POST",
      ":scheme": "http",
      ":path": `/arrow.flight.protocol.FlightService/${method}`,
      ":authority": "localhost",
      "content-type": "application/grpc",
      "te": "trailers",
      ...headers,
    });
  }

  /** Sends bytes of a stream's body, at most 16 KiB. */
  send(stream: number, bytes: Uint8Array, isEnd = false): void {
    this.#frame(DATA, isEnd ? END_STREAM : 0, stream, bytes);
  }

  /** Takes so many more bytes of a stream. */
  widen(stream: number, bytes: number): void {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, bytes);
    for (const each of [0, stream]) this.#frame(WINDOW_UPDATE, 0, each, payload);
  }

  /** Ends it. */
  close(): void {
    this.#socket.destroy();
  }

  #write(bytes: Uint8Array): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  #frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): void {
    const bytes = new Uint8Array(9 + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, payload.length << 8 | type);
    view.setUint8(4, flags);
    view.setUint32(5, stream);
    bytes.set(payload, 9);
    this.#write(bytes);
  }

  #receive(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#received.length + bytes.length);
    all.set(this.#received);
    all.set(bytes, this.#received.length);
    let at = 0;
    while (at + 9 <= all.length) {
      const view = new DataView(all.buffer, at);
      const length = view.getUint32(0) >>> 8;
      if (at + 9 + length > all.length) break;
      this.#take(
        view.getUint8(3),
        view.getUint8(4),
        view.getUint32(5),
        all.subarray(at + 9, at + 9 + length),
      );
      at += 9 + length;
    }
    this.#received = all.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM)) this.ended.add(stream);
    if (type === SETTINGS && !(flags & ACK)) {
      for (let at = 0; at < payload.length; at += 6) {
        this.settings.set(view.getUint16(at), view.getUint32(at + 2));
      }
      this.#frame(SETTINGS, ACK, 0);
    } else if (type === PING && !(flags & ACK)) this.#frame(PING, ACK, 0, payload.slice());
    else if (type === RST_STREAM) this.resets.set(stream, view.getUint32(0));
    else if (type === HEADERS) this.answered.add(stream);
    else if (type === GOAWAY) this.isClosed = true;
  }
}

/** Each as a literal that is not indexed (RFC 7541, 6.2.2). */
function headerBlock(headers: Readonly<Record<string, string>>): Uint8Array {
  const bytes: number[] = [];
  const text = (value: string) => {
    const encoded = new TextEncoder().encode(value);
    let rest = encoded.length;
    if (rest < 127) bytes.push(rest);
    else {
      bytes.push(127);
      for (rest -= 127; rest >= 128; rest = rest >>> 7) bytes.push(rest % 128 + 128);
      bytes.push(rest);
    }
    bytes.push(...encoded);
  };
  for (const [name, value] of Object.entries(headers)) {
    bytes.push(0);
    text(name);
    text(value);
  }
  return Uint8Array.from(bytes);
}
