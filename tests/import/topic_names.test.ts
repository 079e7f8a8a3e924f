import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeTopicName, TopicNames } from "../../src/import/topic_names.ts";
import { newTopicName, topicName } from "../../src/names.ts";

describe("escapeTopicName", () => {
  it.each([
    ["gps", "gps"],
    ["/gps/front-left_2", "gps/front-left_2"],
    ["//gps", "gps"],
    ["/gps//front/", "gps/front"],
    ["/camera/image.raw", "camera/image_raw"],
    ["a b:c", "a_b_c"],
    ["/位置", "topic__"],
    ["/🚗/speed", "topic_/speed"],
    ["/_hidden", "topic_hidden"],
    ["-", "topic-"],
    ["", "topic"],
    ["/", "topic"],
    ["///", "topic"],
    ["../../etc/passwd", "topic__/__/etc/passwd"],
    [`/a/${"x".repeat(300)}/b`, `a/${"x".repeat(200)}/b`],
    [`/${"位".repeat(300)}`, `topic${"_".repeat(195)}`],
    ["a/".repeat(600), "a/".repeat(500).slice(0, -1)],
    ["abc/".repeat(300), "abc/".repeat(250).slice(0, -1)],
  ])("makes of %j %j", (original, expected) => {
    expect(escapeTopicName(original)).toBe(expected);
  });

  it("always follows the rule, and keeps names that do", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (original) => {
      const name = escapeTopicName(original);
      expect(topicName(name)).toBe(name);
      expect(escapeTopicName(name)).toBe(name);
    }));
  });
});

describe("TopicNames", () => {
  it("numbers names that are taken", () => {
    const names = new TopicNames();
    const given = ["/a", "a", "a_2", "a", "a b", "a_b", "a_2"].map((name) => names.claim(name));
    expect(given).toEqual([
      "a",
      "a_2",
      "a_2_2",
      "a_3",
      "a_b",
      "a_b_2",
      "a_2_3",
    ]);
  });

  it("numbers long names within the bounds", () => {
    const names = new TopicNames();
    const [part, whole] = ["x".repeat(300), "abc/".repeat(300)];
    const given = [
      part,
      part,
      `${part}y`,
      `a/${part}`,
      `a/${part}`,
      whole,
      whole,
    ].map((name) => names.claim(name));
    expect(given).toEqual([
      "x".repeat(200),
      `${"x".repeat(198)}_2`,
      `${"x".repeat(198)}_3`,
      `a/${"x".repeat(200)}`,
      `a/${"x".repeat(198)}_2`,
      "abc/".repeat(249) + "abc",
      `${"abc/".repeat(249)}ab_2`,
    ]);
    for (const name of given) expect(newTopicName(name)).toBe(name);
  });

  it("gives every name once", () => {
    const name = fc.constantFrom("a", "a_2", "a_2_2", "a_3", "a.3", "b", "");
    fc.assert(fc.property(fc.array(name), (originals) => {
      const names = new TopicNames();
      expect(new Set(originals.map((original) => names.claim(original))).size)
        .toBe(originals.length);
    }));
  });
});
