import { describe, expect, it } from "vitest";
import { connect, defineOntology, uint8, utf8 } from "../../../src/entry/browser.ts";
import { defaultLayout } from "../../../src/viewer/app/default_layout.ts";
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
});
