import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import {
  core,
  full,
  importPlaces,
  isWithin,
  npmPackageOf,
  packageOf,
  packages,
  viewer,
} from "../../tools/packages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = [
  "mod.ts",
  ...readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => !path.includes("/node_modules/")),
];

/** The npm packages that each source file imports, types and dynamic imports too. */
const imported = new Map(files.map((path) => {
  const { importedFiles } = ts.preProcessFile(readFileSync(root + path, "utf8"));
  const names = importedFiles.map(({ fileName }) => npmPackageOf(fileName)).filter((name) =>
    name !== undefined
  );
  return [path, [...new Set(names)]];
}));

describe.each(packages)("$name", (published) => {
  it("declares what its files import, and nothing else", () => {
    const wanted = new Set(
      files.filter((path) => packageOf(path) === published && !isWithin(path, viewer))
        .flatMap((path) => imported.get(path)!),
    );
    expect([...published.dependencies, ...published.optionalPeers].sort()).toEqual([...wanted].sort());
  });

  it("exports files that are there, its own or the core's", () => {
    const sources = Object.values(published.exports)
      .flatMap((source) => typeof source === "string" ? [source] : Object.values(source))
      .filter((source) => source.endsWith(".ts"));
    for (const source of [...sources, ...Object.values(published.bin ?? {})]) {
      expect(files).toContain(source);
      expect([published, core]).toContain(packageOf(source));
    }
  });
});

describe("the viewer", () => {
  it("declares what its files import, what it is built with, and nothing else", () => {
    const { dependencies } = JSON.parse(readFileSync(`${root}${viewer}package.json`, "utf8"));
    const wanted = files.filter((path) => isWithin(path, viewer)).flatMap((path) => imported.get(path)!);
    const types = wanted.map((name) => `@types/${name}`).filter((name) => name in dependencies);
    expect(Object.keys(dependencies).sort()).toEqual([...new Set([...wanted, ...types, "vite"])].sort());
  });
});

describe("packages", () => {
  it("have all that the root package.json has, and no more", () => {
    const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    const declared = packages.flatMap((published) => [...published.dependencies, ...published.optionalPeers]);
    expect(Object.keys(dependencies)).toEqual([...new Set(declared)].sort());
  });

  it("have the exports of the core both", () => {
    expect(Object.keys(full.exports)).toEqual(expect.arrayContaining(Object.keys(core.exports)));
  });

  it("are imported somewhere in each place that may import them", () => {
    for (const [name, places] of Object.entries(importPlaces)) {
      for (const place of places) {
        const user = files.find((path) => isWithin(path, place) && imported.get(path)!.includes(name));
        expect(user, `${name} in ${place}`).toBeDefined();
      }
    }
  });
});
