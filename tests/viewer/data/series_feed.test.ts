import { describe, expect, it } from "vitest";
import { DataClient, type Endpoint } from "../../../src/viewer/data/client.ts";
import type { LineErrorAnswer, SeriesAnswer, SeriesRequest } from "../../../src/viewer/data/protocol.ts";
import { SeriesFeed, type SeriesWish } from "../../../src/viewer/data/series_feed.ts";

/** The worker's side: what it was asked for, and what it says when the test says so. */
class Asked implements Endpoint {
  readonly series: { id: number; request: SeriesRequest }[] = [];
  #tell: (event: MessageEvent) => void = () => {};

  postMessage(message: unknown): void {
    const { kind, id, request } = message as { kind: string; id: number; request: SeriesRequest };
    if (kind === "series") this.series.push({ id, request });
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    if (type === "message") this.#tell = listener as (event: MessageEvent) => void;
  }

  /** Answers the last request in part. */
  tell(part: Partial<SeriesAnswer>): void {
    this.#say({ kind: "part", part: { shape: "buckets", line: 0, ...part } });
  }

  /** Ends the last request. */
  end(): void {
    this.#say({ kind: "end", result: { value: null } });
  }

  #say(message: object): void {
    this.#tell({ data: { ...message, id: this.series.at(-1)!.id } } as MessageEvent);
  }

  get windows(): [number, number][] {
    return this.series.map(({ request: { fromNs, toNs } }) => [Number(fromNs), Number(toNs)]);
  }
}

function begin() {
  const asked = new Asked();
  const feed = new SeriesFeed(new DataClient(asked));
  const parts: SeriesAnswer[] = [];
  const want = (from: number, to: number, more: Partial<SeriesWish> = {}) =>
    feed.want({
      window: { fromNs: BigInt(from), toNs: BigInt(to) },
      pixels: 100,
      lines: ["imu.x"],
      facts: "",
      onPart: (part) => parts.push(part),
      onError: () => {},
      ...more,
    });
  return { asked, feed, parts, want };
}

/** Until something holds; the test's own limit ends what never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("Data of a plot", () => {
  it("are asked for at once, with a margin at each end", () => {
    const { asked, want } = begin();
    want(1000, 2000);
    expect(asked.windows).toEqual([[750, 2250]]);
    expect(asked.series[0].request.pixels).toBe(150);
  });

  it("are not asked for again while they are on their way, or there", () => {
    const { asked, want } = begin();
    want(1000, 2000);
    want(1000, 2000);
    asked.tell({});
    asked.end();
    want(1000, 2000);
    expect(asked.windows.length).toBe(1);
  });

  it("are asked for at once where lines or rows are others", () => {
    const { asked, want } = begin();
    want(1000, 2000);
    want(1000, 2000, { lines: ["imu.y"] });
    want(1000, 2000, { lines: ["imu.y"], facts: "more rows" });
    expect(asked.windows.length).toBe(3);
  });

  it("within the margin of what is there are asked for when the window rests, the last of all moves", async () => {
    const { asked, want } = begin();
    want(1000, 2000);
    asked.tell({});
    asked.end();
    for (let by = 1; by <= 20; by++) want(1000 + by * 10, 2000 + by * 10);
    expect(asked.windows.length).toBe(1);
    await until(() => asked.windows.length > 1);
    expect(asked.windows).toEqual([[750, 2250], [950, 2450]]);
  });

  it("of another place or size wait until the request before has told something", () => {
    const { asked, want, parts } = begin();
    want(1000, 2000);
    want(5000, 6000);
    want(6000, 7000);
    expect(asked.windows.length).toBe(1);
    asked.tell({});
    expect(parts.length).toBe(1);
    expect(asked.windows.slice(1)).toEqual([[5750, 7250]]);
    asked.tell({});
    // It has told something: it may be ended.
    want(6400, 6600);
    expect(asked.windows.slice(2)).toEqual([[6350, 6650]]);
  });

  it("do not wait for a request that tells nothing", async () => {
    const { asked, want } = begin();
    want(1000, 2000);
    want(5000, 6000);
    await until(() => asked.windows.length > 1);
    expect(asked.windows[1]).toEqual([4750, 6250]);
  });

  it("that could not be had are asked for again", () => {
    const { asked, want } = begin();
    want(1000, 2000);
    const error: LineErrorAnswer = {
      shape: "error",
      line: 0,
      isFinal: true,
      error: { code: "CORRUPT", message: "damaged" },
    };
    asked.tell(error);
    asked.end();
    want(1000, 2000);
    expect(asked.windows.length).toBe(2);
  });

  it("are asked for no more where the plot has ended", async () => {
    const { asked, feed, want } = begin();
    want(1000, 2000);
    want(5000, 6000);
    feed.dispose();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(asked.windows.length).toBe(1);
  });
});
