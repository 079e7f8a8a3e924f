import { describe, expect, it } from "vitest";
import {
  type Layout,
  LAYOUT_VERSION,
  layoutKey,
  MAX_LAYOUT_BYTES,
  parseLayout,
} from "../../../src/viewer/app/layout.ts";
import { deflateText } from "../../../src/viewer/app/packed_text.ts";
import {
  formatUrl,
  packLayout,
  parseUrl,
  splitRecordingUrl,
  unpackLayout,
  type UrlState,
} from "../../../src/viewer/app/url_state.ts";
import { caseRange, Random } from "../../support/random_cases.ts";

const PAGE = "https://host/viewer/?theme=dark";
const LAYOUT: Layout = {
  version: LAYOUT_VERSION,
  panels: {
    "plot-1": { type: "plot", options: { lines: [{ text: "a.x", axis: 1 }] } },
    "info-1": { type: "info", title: "About", options: {} },
    mine: { type: "my-panel", options: { any: [1, { deep: true }] } },
  },
  root: {
    kind: "row",
    sizes: [2, 1],
    children: [
      { kind: "tabs", panels: ["plot-1"], active: "plot-1" },
      { kind: "tabs", panels: ["info-1", "mine"], active: "mine" },
    ],
  },
};

describe("The URL of a page", () => {
  it("says all of its state exactly, and comes back", async () => {
    const state: UrlState = {
      url: "https://bucket/recordings/flight?key=a&b=c d",
      with: "../other/flight_2",
      shiftNs: -1_500_000_001n,
      layoutUrl: "https://host/layout.json",
      cursorNs: 1_700_000_000_123_456_789n,
      windowNs: { fromNs: -5n, toNs: 2n ** 63n - 1n },
      aNs: 1n,
      bNs: 0n,
      speed: 0.1,
      packedLayout: await packLayout(LAYOUT),
    };
    const href = formatUrl(PAGE, state);
    expect(parseUrl(href)).toEqual({ state, problems: [] });
    expect(
      href.startsWith("https://host/viewer/?theme=dark&url=https://bucket/"),
    ).toBe(true);
    expect(formatUrl(href, {})).toBe(PAGE);
    expect(await unpackLayout(state.packedLayout!)).toEqual({
      layout: LAYOUT,
      problems: [],
    });
  });

  it("of nonsense gives what makes sense, and says what does not", () => {
    const nonsense =
      "?url=javascript:alert(1)&shift=1e9&with=ftp://x/y#t=12x&w=5,5&a=99999999999999999999&b=7&speed=-1&p=%25%25";
    const { state, problems } = parseUrl(PAGE.replace(/\?.*/, "") + nonsense);
    expect(state).toEqual({ bNs: 7n });
    expect(problems.length).toBe(8);
    expect(problems).toContain('The link\'s t is "12x", wanted nanoseconds');
    expect(parseUrl("no url")).toEqual({
      state: {},
      problems: ['The address "no url" is no URL'],
    });
    expect(parseUrl(`${PAGE}#%E0%A4%A&t=5&&&=&t`)).toEqual({
      state: { cursorNs: 5n },
      problems: [],
    });
  });

  it("never throws, whatever it is", () => {
    const { seed } = caseRange(1);
    const random = new Random(seed);
    const parts = [
      "?",
      "#",
      "&",
      "=",
      "%",
      "%zz",
      "url",
      "t",
      "w",
      "p",
      "speed",
      "5",
      ",",
      "-",
      "é",
      "\u0000",
      "https://a/b",
      "//",
    ];
    for (let i = 0; i < 3000; i++) {
      const text = Array.from(
        { length: random.below(20) },
        () => random.pick(parts),
      ).join("");
      const { state } = parseUrl(`https://host/${text}`);
      expect(
        parseUrl(formatUrl("https://host/", state)).state,
        `${text} (seed ${seed})`,
      ).toEqual(state);
    }
  });

  it("of a recording is its store's and its name", () => {
    expect(splitRecordingUrl("https://host/recordings/flight")).toEqual({
      store: "https://host/recordings/",
      name: "flight",
    });
    expect(splitRecordingUrl("https://host/flight/?k=1#x")).toEqual({
      store: "https://host/?k=1",
      name: "flight",
    });
    expect(splitRecordingUrl("flight")).toEqual({
      store: "./",
      name: "flight",
    });
    for (
      const url of ["https://host", "https://host/", "", "https://host/%zz"]
    ) {
      expect(splitRecordingUrl(url), url).toBe(undefined);
    }
  });
});

describe("A layout", () => {
  const problemsOf = (given: unknown) => {
    const { layout, problems } = parseLayout(given);
    return [layout && Object.keys(layout.panels), problems];
  };

  it("that cannot be read gives none and a problem", async () => {
    const bomb = await deflateText(" ".repeat(20 * MAX_LAYOUT_BYTES));
    expect(bomb.length).toBeLessThan(10_000);
    for (
      const packed of [
        "AAAA",
        "!!!!",
        "",
        bomb,
        (await packLayout(LAYOUT)).slice(0, 40),
        "A".repeat(30_000),
      ]
    ) {
      const { layout, problems } = await unpackLayout(packed);
      expect([layout, problems.length], packed.slice(0, 20)).toEqual([
        undefined,
        1,
      ]);
    }
    expect((await unpackLayout(bomb)).problems[0]).toMatch(
      /more than 262144 bytes/,
    );
    const given = ["{", "null", 5, undefined, [], {
      version: 2,
      panels: {},
      root: {},
    }, {
      ...LAYOUT,
      panels: [],
    }, { ...LAYOUT, root: 7 }];
    for (const one of given) {
      expect(problemsOf(one)[0], JSON.stringify(one)).toBe(undefined);
    }
    expect(problemsOf({ ...LAYOUT, version: 2 })[1]).toEqual([
      "The layout cannot be used: its version is 2, wanted 1",
    ]);
    expect(problemsOf({ ...LAYOUT, root: nested(50) })[1]).toEqual([
      expect.stringMatching(/nested/),
    ]);
  });

  it("keeps the panels that make sense, each in one place", () => {
    const panels = {
      ...LAYOUT.panels,
      bad: { type: "plot", options: { lines: "a.x" } },
      worse: {
        type: "track",
        options: {
          topic: "a",
          kind: "geo",
          x: "x",
          y: "y",
          tiles: "javascript:alert(1)",
        },
      },
      "": { type: "info" },
      __proto__x: { type: "info" },
      untyped: { options: {} },
      lost: { type: "info", options: {} },
    };
    const root = {
      kind: "column",
      sizes: ["a", -1, 1e99],
      children: [
        {
          kind: "tabs",
          panels: ["plot-1", "bad", "worse", "gone", 7, "plot-1"],
          active: "gone",
        },
        {
          kind: "row",
          sizes: [],
          children: [{ kind: "tabs", panels: ["plot-1"] }, {
            kind: "tabs",
            panels: ["mine"],
            active: "mine",
          }],
        },
        { kind: "spiral" },
        null,
      ],
    };
    const { layout, problems } = parseLayout({ version: 1, panels, root });
    expect(layout).toEqual({
      version: 1,
      panels: { "plot-1": LAYOUT.panels["plot-1"], mine: LAYOUT.panels.mine },
      root: {
        kind: "column",
        sizes: [1, 1],
        children: [
          { kind: "tabs", panels: ["plot-1"], active: "plot-1" },
          { kind: "tabs", panels: ["mine"], active: "mine" },
        ],
      },
    });
    expect(problems).toContain('Panel "bad" (plot) has a wrong lines');
    expect(problems).toContain('Panel "worse" (track) has a wrong tiles');
    expect(problems).toContain('Panel "lost" has no place in the layout');
  });

  it("takes nothing from prototypes", () => {
    const given =
      `{"version":1,"panels":{"__proto__":{"type":"info"},"p":{"type":"plot","options":{"__proto__":{"lines":[]}}}},
      "root":{"kind":"tabs","panels":["__proto__","p","constructor","toString"],"active":"p"}}`;
    expect(problemsOf(given)[0]).toBe(undefined);
    expect(({} as { type?: string }).type).toBe(undefined);
  });

  it("is kept by the topics and fields of a recording", () => {
    const topic = (name: string, ...fields: string[]) => ({
      name,
      fields: fields.map((name) => ({ name, type: "float64" })),
    });
    const key = (...topics: unknown[]) => layoutKey({ topics } as Parameters<typeof layoutKey>[0]);
    const own = key(topic("a", "x"), topic("b", "y"));
    expect(key(topic("a", "x"), topic("b", "y"))).toBe(own);
    for (
      const other of [
        key(topic("a", "x")),
        key(topic("a", "x", "y"), topic("b", "y")),
        key(topic("a", "y"), topic("b", "x")),
      ]
    ) {
      expect(other).not.toBe(own);
    }
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? LAYOUT.root : { kind: "row", sizes: [1], children: [nested(depth - 1)] };
}
