import { afterEach, describe, expect, it } from "vitest";
import { decodeVideo } from "../../src/image/mod.ts";
import { expectError } from "../support/errors.ts";
import { frames } from "../packaging/video_frames.mjs";

interface Chunk {
  type: string;
  timestamp: number;
  data: Uint8Array;
}

/** What a decoder of browsers does, as far as the order of things goes: real ones are in Chromium, see tools/package. */
class FakeDecoder {
  static configured: unknown[] = [];
  static closed = 0;
  state = "unconfigured";
  readonly #handlers: { output(frame: object): void; error(reason: Error): void };
  #held: Chunk[] = [];

  constructor(handlers: { output(frame: object): void; error(reason: Error): void }) {
    this.#handlers = handlers;
  }

  configure(config: unknown): void {
    FakeDecoder.configured.push(config);
    this.state = "configured";
  }

  /** Holds two frames back, and gives the later of them first. */
  decode(chunk: Chunk): void {
    if (chunk.data.length === 9) {
      this.#handlers.error(new Error("bad frame"));
      this.state = "closed";
      return;
    }
    this.#held.push(chunk);
    if (this.#held.length === 2) this.#give();
  }

  flush(): Promise<void> {
    this.#give();
    return Promise.resolve();
  }

  close(): void {
    FakeDecoder.closed++;
    this.state = "closed";
  }

  #give(): void {
    for (const { timestamp } of this.#held.splice(0).reverse()) {
      this.#handlers.output({ timestamp, displayWidth: 1, displayHeight: 1, close: () => {} });
    }
  }
}

class FakeCanvas {
  getContext(): object {
    return {
      drawImage: () => {},
      getImageData: () => ({ width: 1, height: 1, data: new Uint8ClampedArray(4) }),
    };
  }
}

class FakeChunk {
  constructor(init: Chunk) {
    Object.assign(this, init);
  }
}

const globals = globalThis as Record<string, unknown>;
const kept = globals.OffscreenCanvas;

function withFakes(): void {
  Object.assign(globals, {
    VideoDecoder: FakeDecoder,
    EncodedVideoChunk: FakeChunk,
    OffscreenCanvas: FakeCanvas,
  });
}

afterEach(() => {
  delete globals.VideoDecoder;
  delete globals.EncodedVideoChunk;
  globals.OffscreenCanvas = kept;
  FakeDecoder.configured = [];
  FakeDecoder.closed = 0;
});

async function numbersOf(items: number[]): Promise<number[]> {
  const numbers: number[] = [];
  for await (const [number] of decodeVideo(items, (i) => frames[i])) numbers.push(number);
  return numbers;
}

describe("decodeVideo", () => {
  it("is UNSUPPORTED without WebCodecs", async () => {
    await expectError(() => numbersOf([0]), "UNSUPPORTED", "no WebCodecs");
  });

  it("gives each item its picture, in the order of the decoder, all to the last", async () => {
    withFakes();
    expect(await numbersOf([0, 1, 2, 3, 4])).toEqual([1, 0, 3, 2, 4]);
    // What the first frame says of itself: High profile, level 1.
    expect(FakeDecoder.configured).toEqual([{ codec: "avc1.64000a", optimizeForLatency: true }]);
    expect(FakeDecoder.closed).toBe(1);
  });

  it("begins with the first key frame", async () => {
    withFakes();
    expect(await numbersOf([1, 2, 3])).toEqual([]);
    expect(await numbersOf([3, 4, 5, 6])).toEqual([6, 5]);
  });

  it("fails as the decoder, and closes it", async () => {
    withFakes();
    const bad = { data: new Uint8Array(9), format: "h264" };
    const items = [frames[0], bad];
    const decode = async () => {
      for await (const _ of decodeVideo(items, (frame) => frame));
    };
    await expectError(decode, "CORRUPT", "Cannot decode a video: bad frame");
    items[1] = { ...frames[1], format: "hevc" };
    await expectError(decode, "UNSUPPORTED", `format "hevc": wanted h264`);
    expect(FakeDecoder.closed).toBe(1); // the first had closed itself
  });
});
