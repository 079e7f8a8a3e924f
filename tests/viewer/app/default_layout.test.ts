import { describe, expect, it } from "vitest";
import { connect, defineOntology, IMU, uint8, utf8 } from "../../../src/entry/browser.ts";
import { defaultLayout } from "../../../src/viewer/app/default_layout.ts";
import { optionalFields } from "../../../src/viewer/app/known_topics.ts";
import { open } from "../data/opened.ts";

describe("The first layout", () => {
  it("shows a log where a topic has texts with levels", async () => {
    const Line = defineOntology("line", { msg: utf8(), level: uint8() });
    await using library = await connect("memory:");
    await library.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("log", { ontology: Line });
      await topic.push({ timestampNs: 1n, data: { msg: "a line", level: 3 } });
    });
    await using opened = await open(library, "s");
    const { panels, root } = defaultLayout(opened.info);
    const [id] = Object.keys(panels).filter((id) => panels[id].type === "log");
    expect(panels[id]).toEqual({ type: "log", options: { topic: "log", text: "msg", level: "level" } });
    // In front, not in a tab behind others.
    expect(JSON.stringify(root)).toContain(`{"kind":"tabs","panels":["${id}"],"active":"${id}"}`);
  });

  it("has no plot of an orientation that no message has", async () => {
    await using library = await connect("memory:");
    await library.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("imu", { ontology: IMU });
      const still = { x: 0, y: 0, z: 0 };
      await topic.push({
        timestampNs: 1n,
        data: { acceleration: { ...still, z: 9.8 }, angular_velocity: still },
      });
    });
    await using opened = await open(library, "s");
    const fields = optionalFields(opened.info.topics);
    expect(fields).toEqual(["w", "x", "y", "z"].map((axis) => `imu.orientation.${axis}`));
    const linesOf = (empty: ReadonlySet<string>) =>
      JSON.stringify(Object.values(defaultLayout(opened.info, empty).panels));
    expect(linesOf(new Set())).toContain("roll(");
    expect(linesOf(new Set(fields))).not.toContain("roll(");
    expect(linesOf(new Set(fields))).toContain("imu.acceleration.z");
    // Some of it is enough.
    expect(linesOf(new Set(fields.slice(1)))).toContain("roll(");
  });
});
