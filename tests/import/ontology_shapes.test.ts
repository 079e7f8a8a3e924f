import { parse } from "@foxglove/rosmsg";
import { MessageWriter } from "@foxglove/rosmsg2-serialization";
import { describe, expect, it } from "vitest";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { ROS_ONTOLOGIES } from "../../src/import/ontology/ros_ontologies.ts";
import { definitionsOf } from "../../src/import/ros/ros_definitions.ts";
import { outcomeOf, sourceOf } from "./damage_search.ts";
import { file, record, sized, u16, u32, u64 } from "./mcap_parts.ts";

const types = Object.keys(ROS_ONTOLOGIES).filter((type) => definitionsOf(type).length > 0);

/** A recording of one message with the defaults of a type with this definition. */
function recording(type: string, definition: string): Uint8Array {
  const data = new MessageWriter(parse(definition, { ros2: true })).writeMessage({});
  return file(
    record(3, u16(1), sized(type.replace("/", "/msg/")), sized("ros2msg"), sized(definition)),
    record(4, u16(1), u16(1), sized("/a"), sized("cdr"), sized("")),
    record(5, u16(1), u32(0), u64(1), u64(1), data),
  );
}

/** The definition with one of its fields of another type, or not there unless it is the only one. */
function variants(definition: string): string[] {
  const lines = definition.split("\n");
  return lines.flatMap((line, i) => {
    const name = /^[\w/]+(?:<=\d+)?(?:\[[^\]]*\])? (\w+)$/.exec(line.trim())?.[1];
    if (name === undefined) return [];
    const others = [`string ${name}`, `int8 ${name}`, `string[2] ${name}`, ""];
    return others.map((other) => lines.toSpliced(i, 1, other).join("\n")).filter((text) => text !== "");
  });
}

describe("A type that is called as a known one, and has other fields,", () => {
  it.each(types)("becomes what can be made of it: %s", async (type) => {
    const [definition] = definitionsOf(type);
    for (const variant of [definition, ...variants(definition)]) {
      const { report, error, lines } = await outcomeOf(importMcap, sourceOf(recording(type, variant)), {
        ontology: ["*"],
      });
      expect([variant, error, lines.length, report?.topics[0].misfitCount]).toEqual([
        variant,
        undefined,
        1,
        0,
      ]);
    }
  });
});
