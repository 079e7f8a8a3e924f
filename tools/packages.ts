/**
 * The two npm packages that one source tree is published as, and which npm package which of its files may import. The build
 * makes their package.json from it; tools/check_source.ts and a test hold the sources against it.
 *
 * @module
 */

/** A published package. */
export interface PublishedPackage {
  readonly name: "smalti" | "smalti-core";
  readonly description: string;
  /** A source file for each subpath; conditions where runtimes get different ones. `types` are the default's. */
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** Commands. */
  readonly bin?: Readonly<Record<string, string>>;
  /** npm packages that come with it, at the versions of the root package.json. */
  readonly dependencies: readonly string[];
  /** npm packages that users install where they want what these do. */
  readonly optionalPeers: readonly string[];
}

const WASM = "src/engine/generated/smalti.wasm";
const description =
  "Records multi-sensor time series to Arrow files and replays them in strict time order, on Deno, Node, Bun, in browsers and workers";

/** What records and replays. */
export const core: PublishedPackage = {
  name: "smalti-core",
  description: `${description}: the part that records and replays.`,
  exports: {
    ".": {
      workerd: "src/entry/workerd.ts",
      "edge-light": "src/entry/workerd.ts",
      browser: "src/entry/browser.ts",
      default: "src/entry/core.ts",
    },
    "./slim": "src/entry/slim.ts",
    "./smalti.wasm": WASM,
  },
  dependencies: ["@foxglove/crc", "aws4fetch", "flatbuffers", "fzstd"],
  optionalPeers: ["apache-arrow"],
};

/** All of it: it re-exports the core, whose files its own import, so that there is one copy of every class. */
export const full: PublishedPackage = {
  name: "smalti",
  description: `${description}.`,
  exports: {
    ".": { ...core.exports["."] as Record<string, string>, default: "mod.ts" },
    "./slim": "src/entry/slim.ts",
    "./smalti.wasm": WASM,
    "./import": "src/import/mod.ts",
    "./export": "src/export/mod.ts",
    "./edit": "src/edit/mod.ts",
    "./image": "src/image/mod.ts",
    "./server": "src/flight/server/mod.ts",
    // Bundled, with the page beside it: see `bundled`.
    "./viewer": "src/viewer/mod.ts",
  },
  bin: { smalti: "src/cli/main.ts" },
  dependencies: [
    "@bufbuild/protobuf",
    "@connectrpc/connect",
    "@connectrpc/connect-node",
    "@foxglove/ros2idl-parser",
    "@foxglove/rosmsg",
    "apache-arrow",
    "cli-progress",
    "commander",
    "flatbuffers",
    "hyparquet",
    "hyparquet-compressors",
    "hyparquet-writer",
    "lossless-json",
    "papaparse",
  ],
  optionalPeers: ["jpeg-js"],
};

/** Both. */
export const packages: readonly PublishedPackage[] = [core, full];

/** The page that shows recordings: bundled with all that it needs, which who installs a package does not get. */
export const viewer = "src/viewer/";

/** Where a package has what an export of the viewer is bundled to, in place of the compiled file; undefined of other files. */
export function bundled(source: string): string | undefined {
  return source === `${viewer}mod.ts` ? "viewer/smalti-viewer.js" : undefined;
}

/** Files and folders of `smalti`; all others are in `smalti-core`. */
const FULL_PLACES: readonly string[] = [
  "mod.ts",
  "src/entry/main.ts",
  "src/flight/",
  "src/import/",
  "src/export/",
  "src/edit/",
  "src/image/",
  "src/cli/",
  viewer,
];

/** The package that a source file is in. */
export function packageOf(path: string): PublishedPackage {
  return FULL_PLACES.some((place) => isWithin(path, place)) ? full : core;
}

/** Which files and folders may import an npm package. */
export const importPlaces: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": ["src/flight/", "src/import/protobuf/"],
  "@connectrpc/connect": ["src/flight/"],
  "@connectrpc/connect-node": ["src/flight/"],
  "@foxglove/crc": ["src/engine/codecs.ts", "src/util/crc32.ts"],
  "@foxglove/ros2idl-parser": ["src/import/ros/"],
  "@foxglove/rosmsg": ["src/import/ros/"],
  // Its types, and the two entries that may load it.
  "apache-arrow": ["src/arrow/library.ts", "src/entry/core.ts", "src/entry/main.ts"],
  aws4fetch: ["src/store/s3/"],
  "cli-progress": ["src/cli/progress.ts"],
  commander: ["src/cli/"],
  "dockview-core": ["src/viewer/app/"],
  flatbuffers: ["src/arrow/encode.ts", "src/import/flatbuffer/"],
  fzstd: ["src/engine/codecs.ts"],
  hyparquet: ["src/import/parquet/"],
  "hyparquet-compressors": ["src/import/parquet/"],
  "hyparquet-writer": ["src/export/parquet/"],
  "jpeg-js": ["src/image/codec.ts"],
  lit: ["src/viewer/app/", "src/viewer/panels/"],
  "lossless-json": ["src/import/json/"],
  papaparse: ["src/import/csv/"],
  three: ["src/viewer/draw/"],
  uplot: ["src/viewer/app/viewer.ts", "src/viewer/draw/", "src/viewer/panels/plot.ts"],
};

/** The npm package of an import's specifier; undefined for relative ones, modules of a runtime and what a build makes. */
export function npmPackageOf(specifier: string): string | undefined {
  if (/^(\.|node:|bun:|cloudflare:|virtual:)/.test(specifier)) return undefined;
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

/** Whether a path is a file, or lies in a folder, which ends with a slash. */
export function isWithin(path: string, place: string): boolean {
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}
