import { describe, expect, it } from "vitest";
import { type Arrival, arrivalKey, Arrivals } from "../../src/cli/arrivals.ts";
import { ofFile } from "../../src/cli/find_recordings.ts";

const arrival = (name: string, size: number, mtimeMs = 0): Arrival => ({
  recording: ofFile(name),
  name,
  size,
  mtimeMs,
});

describe("Arrivals", () => {
  it("gives what has stayed as it is for long enough, until it is finished", () => {
    const arrivals = new Arrivals(100, []);
    const [a, b] = [arrival("a", 1), arrival("b", 1)];
    expect(arrivals.settled([a], 0)).toEqual([]);
    expect(arrivals.settled([a, b], 99)).toEqual([]);
    expect(arrivals.settled([a, b], 100)).toEqual([a]);
    expect(arrivals.settled([a, b], 150)).toEqual([a]);
    arrivals.finish(a);
    expect(arrivals.settled([a, b], 199)).toEqual([b]);
  });

  it("waits anew where a file grew, was touched, or went and came", () => {
    const arrivals = new Arrivals(100, []);
    arrivals.settled([arrival("a", 1)], 0);
    expect(arrivals.settled([arrival("a", 2)], 100)).toEqual([]);
    expect(arrivals.settled([arrival("a", 2, 5)], 200)).toEqual([]);
    expect(arrivals.settled([], 250)).toEqual([]);
    expect(arrivals.settled([arrival("a", 2, 5)], 300)).toEqual([]);
    expect(arrivals.settled([arrival("a", 2, 5)], 400)).toEqual([arrival("a", 2, 5)]);
  });

  it("leaves out what was imported before, but not what has its name alone", () => {
    const arrivals = new Arrivals(0, [arrivalKey(arrival("a", 1, 7))]);
    const found = [arrival("a", 1, 7), arrival("a", 2, 7), arrival("a", 1, 8), arrival("b/a", 1, 7)];
    expect(arrivals.settled(found, 0)).toEqual(found.slice(1));
  });
});
