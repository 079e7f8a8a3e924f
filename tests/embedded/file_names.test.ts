import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileNameOf, partOf, topicFileOf, topicOf } from "../../src/embedded/file_names.ts";
import { expectPortable } from "../support/portable.ts";

const CHARACTERS = [..."abcxyzABCXYZ019_-"];
const part = fc.oneof(
  fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 200 }),
  // What differs in case alone, and devices.
  fc.string({ unit: fc.constantFrom("a", "A"), minLength: 1, maxLength: 12 }),
  fc.constantFrom("con", "Con", "COM1", "lpt9", "nul", "aux", "prn", "com", "con1"),
);

describe("fileNameOf", () => {
  it.each([
    ["cam", "cam"],
    ["gps_front-2", "gps_front-2"],
    ["com", "com"],
    ["com10", "com10"],
    ["con_", "con_"],
    ["Cam", "cam!g"],
    ["CAM", "cam!s"],
    ["caM", "cam!4"],
    ["abcdE", "abcde!1"],
    ["abcdeF", "abcdef!0g"],
    ["LEFT_Camera", "left_camera!ug"],
    ["con", "con!"],
    ["Con", "con!g"],
    ["nul", "nul!"],
    ["com1", "com1!"],
    ["lpt0", "lpt0!"],
    ["A".repeat(200), `${"a".repeat(200)}!${"v".repeat(40)}`],
    // Only version 0.1 took longer ones.
    ["A".repeat(201), "A".repeat(201)],
  ])("makes of %s %s, and partOf the other way", (name, file) => {
    expect([fileNameOf(name), partOf(file)]).toEqual([file, name]);
  });

  it("keeps all names apart on every file system, and within 241 bytes", () => {
    fc.assert(fc.property(fc.uniqueArray(part, { maxLength: 30 }), (names) => {
      const files = names.map(fileNameOf);
      expectPortable(files);
      expect(files.filter((file) => file.length > 241)).toEqual([]);
      expect(files.map(partOf)).toEqual(names);
    }));
  });

  it("gives an older version's names as they are, and none for what the rule does not give", () => {
    for (const name of ["Drive", "con", "CAM"]) expect(partOf(name)).toBe(name);
    for (
      const file of [
        "cam!",
        "cam!0",
        "cam!g0",
        "cam!G",
        "Cam!g",
        "cam!z",
        "cam!gg!g",
        "!g",
        "!",
        "cam!1",
        "a!8",
      ]
    ) {
      expect([file, partOf(file)]).toEqual([file, undefined]);
    }
  });
});

describe("topicFileOf", () => {
  it("makes each part a file's name, and topicOf the other way", () => {
    expect(topicFileOf("Cam/left/con")).toBe("cam!g/left/con!");
    expect(topicOf("cam!g/left/con!")).toBe("Cam/left/con");
    expect(topicOf("cam!/left")).toBeUndefined();
  });
});
