import { describe, expect, it } from "vitest";
import type { TopicSummary } from "../../../src/viewer/data/protocol.ts";
import { exampleCondition, withLines, withTopic } from "../../../src/viewer/panels/line_text.ts";

const field = (path: string) => ({
  path,
  name: path,
  kind: "number",
  type: "float64",
  children: [],
});
const topic = (name: string) =>
  ({
    name,
    fields: ["vx", "vy", "q[0]", "q[1]", "t", "hypot"].map(field),
  }) as unknown as TopicSummary;

describe("names of a topic's fields", () => {
  it("are made whole where they stand alone", () => {
    expect(withTopic("hypot(vx, vy) * 3.6 + q[1]", topic("p"))).toBe(
      "hypot(p.vx, p.vy) * 3.6 + p.q[1]",
    );
    expect(withTopic("roll(q)", topic("p"))).toBe("roll(p.q)");
    expect(withTopic("-vx", topic("a/0"))).toBe("-`a/0`.vx");
  });

  it("stay where they are part of something, a function, or the time", () => {
    for (
      const text of [
        "other.vx",
        "`a b`.vx",
        "vx2",
        "vx.z",
        "hypot(1, 2)",
        "hypot (1, 2)",
        "t",
        "vz",
        '"vx',
      ]
    ) {
      expect(withTopic(text, topic("p"))).toBe(text);
    }
  });
});

describe("names of lines", () => {
  const lines = [
    { text: "deg(a.x)", label: "roll (deg)" },
    { text: "hypot(b.x, b.y)", label: "ground speed (m/s)" },
    { text: "c.x" },
  ];

  it("are what the lines are, without their units", () => {
    expect(withLines("roll > 20 and ground speed < 3", lines)).toBe(
      "(deg(a.x)) > 20 and (hypot(b.x, b.y)) < 3",
    );
  });

  it("stay where they are functions, or part of something", () => {
    for (
      const text of [
        "roll(a.q) > 1",
        "a.roll > 1",
        "rolls > 1",
        "roll.x",
        "c.x > 1",
      ]
    ) {
      expect(withLines(text, lines)).toBe(text);
    }
    expect(withLines("roll > 20", [])).toBe("roll > 20");
  });

  it("give an example", () => {
    expect(exampleCondition(lines)).toBe("roll > 40");
    expect(exampleCondition(lines.slice(2))).toBe("c.x > 40");
  });
});
