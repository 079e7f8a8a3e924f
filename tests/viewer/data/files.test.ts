import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { connect } from "../../../src/entry/browser.ts";
import { defaultLayout } from "../../../src/viewer/app/default_layout.ts";
import { parseLayout } from "../../../src/viewer/app/layout.ts";
import type { ColumnsAnswer, SeriesAnswer } from "../../../src/viewer/data/protocol.ts";
import { pair, valueOf } from "./opened.ts";

const FLIGHT = new URL(
  "../../../examples/px4-vtol-flight/flight.mcap",
  import.meta.url,
);
const FORMATS = new URL("../../fixtures/formats/", import.meta.url);

async function fileOf(url: URL): Promise<{ name: string; blob: Blob }> {
  return {
    name: decodeURIComponent(url.pathname.split("/").at(-1)!),
    blob: new Blob([await readFile(url)]),
  };
}

describe("Files that are dropped", () => {
  it(
    "become a recording in memory, whose default layout shows what is worth seeing",
    async () => {
      await using library = await connect("memory:");
      const { client, close } = pair(library);
      const told: number[] = [];
      const info = valueOf(
        await client.ask("import", 0, { files: [await fileOf(FLIGHT)] }, {
          onPart: ({ done }) => told.push(done),
        }),
      );
      expect([info.name, info.rows, info.topics.length]).toEqual([
        "flight",
        14_604,
        70,
      ]);
      expect(told.length).toBeGreaterThan(0);
      const layout = defaultLayout(info);
      expect(parseLayout(layout)).toEqual({ layout, problems: [] });
      const panels = Object.values(layout.panels);
      expect([...new Set(panels.map(({ type }) => type))].sort()).toEqual([
        "info",
        "plot",
        "states",
        "track",
        "values",
      ]);
      const texts = panels.flatMap(({ options: { lines = [] } }) =>
        (lines as { text: string }[]).map(({ text }) => text ?? "")
      );
      expect(texts.filter((text) => text.includes("roll("))).toEqual([
        "deg(roll(vehicle_attitude.q[0], vehicle_attitude.q[1], vehicle_attitude.q[2], vehicle_attitude.q[3]))",
      ]);

      // All of it can be drawn.
      const window = { fromNs: info.firstNs!, toNs: info.lastNs! + 1n };
      for (const { type, options } of panels) {
        if (type === "plot") {
          const lines = (options.lines as { text: string }[]).map(({ text }) => text);
          const answers: SeriesAnswer[] = [];
          const request = { lines, ...window, pixels: 1000 };
          valueOf(
            await client.ask("series", 1, request, {
              onPart: (part) => answers.push(part),
            }),
          );
          const last = lines.map((_, line) => answers.filter((answer) => answer.line === line).at(-1)!);
          expect(last.map(({ shape, isFinal }) => [shape !== "error", isFinal]))
            .toEqual(
              lines.map(() => [true, true]),
            );
        }
        if (type === "states") {
          const lines = options.lines as string[];
          const errors: unknown[] = [];
          const request = { lines, ...window, pixels: 1000 };
          valueOf(
            await client.ask("states", 1, request, {
              onPart: ({ error }) => errors.push(error),
            }),
          );
          expect(errors).toEqual(lines.map(() => undefined));
        }
        if (type === "track") {
          const { topic, x, y, kind } = options as {
            topic: string;
            x: string;
            y: string;
            kind: string;
          };
          const request = { topic, columns: [x, y], ...window, points: 1000 };
          const track: ColumnsAnswer = valueOf(
            await client.ask("columns", 1, request),
          );
          expect([kind, track.rows]).toEqual(["geo", 32]);
          const [longitude, latitude] = track.columns.map((column) => column[0]);
          // Trondheim.
          expect([Math.round(longitude), Math.round(latitude)]).toEqual([
            10,
            63,
          ]);
        }
      }
      await close();
    },
    60_000,
  );

  it(
    "of other formats do too: bags and ULog, several of them as one",
    async () => {
      await using library = await connect("memory:");
      const { client, close } = pair(library);
      const importAll = async (...names: string[]) => {
        const files = await Promise.all(
          names.map((name) => fileOf(new URL(name, FORMATS))),
        );
        const info = valueOf(await client.ask("import", 0, { files }));
        const { topics } = valueOf(
          await client.ask("activity", 0, { bins: 10 }),
        );
        const count = topics.reduce(
          (sum, { counts }) => sum + counts.reduce((sum, count) => sum + count, 0),
          0,
        );
        expect(Math.round(count)).toBe(info.rows);
        return info.rows;
      };
      const one = await importAll("fake_joint_state-lz4.bag");
      expect(one).toBeGreaterThan(0);
      expect(
        await importAll("fake_joint_state-lz4.bag", "fake_joint_state-bz2.bag"),
      ).toBe(2 * one);
      expect(await importAll("test_ulog.ulg")).toBeGreaterThan(0);
      const mixed = await Promise.all(
        ["out.bag", "test_ulog.ulg"].map((name) => fileOf(new URL(name, FORMATS))),
      );
      expect((await client.ask("import", 0, { files: mixed })).error?.code)
        .toBe("INVALID_ARGUMENT");
      await close();
    },
    60_000,
  );

  it("are told by how they begin, and refused where they are something else, or too large", async () => {
    await using library = await connect("memory:");
    const { client, close } = pair(library);
    const text = { name: "notes.mcap", blob: new Blob(["hello"]) };
    const flight = await fileOf(FLIGHT);
    const errors = [
      await client.ask("import", 0, { files: [text] }),
      await client.ask("import", 0, { files: [] }),
      await client.ask("import", 0, {
        files: [flight, { ...flight, name: "it's.mcap" }],
        maxBytes: 1000,
      }),
    ].map(({ error }) => error);
    expect(errors.map((error) => error?.code)).toEqual([
      "UNSUPPORTED",
      "INVALID_ARGUMENT",
      "TOO_LARGE",
    ]);
    expect(errors[2]?.command).toBe(
      "smalti import flight.mcap 'it'\\''s.mcap'",
    );
    expect((await client.ask("activity", 0, { bins: 1 })).error?.code).toBe(
      "CLOSED",
    );
    await close();
  });
});
