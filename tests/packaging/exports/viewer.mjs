// A component needs a browser: what is looked at here is that all of it is there, and brings nothing along.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { check } from "./support.mjs";

const script = import.meta.resolve("smalti/viewer");
const read = (name) => readFileSync(fileURLToPath(new URL(name, script)), "utf8");
const text = read("./smalti-viewer.js");
check("exports", /\bregisterPanel\b/.test(text) && /\bSmaltiViewer\b/.test(text), true);

/** Files that a text names, and those that they name. */
const found = new Set();
const visit = (name) => {
  if (found.has(name)) return;
  found.add(name);
  if (!/\.(js|html)$/.test(name)) return;
  const inner = read(name);
  const base = name.slice(0, name.lastIndexOf("/") + 1);
  for (const [, path] of inner.matchAll(/["'`](\.\/[\w./-]+\.(?:js|css|svg))["'`]/g)) {
    visit(base + path.slice(2));
  }
  for (const [path] of inner.matchAll(/\b[\w-]+-[\w-]{8}\.(?:js|wasm)\b/g)) {
    if (existsSync(fileURLToPath(new URL(`./assets/${path}`, script)))) visit(`./assets/${path}`);
  }
};
visit("./index.html");
visit("./smalti-viewer.js");
for (const kind of ["worker", "dock_area", "scene", "smalti"]) {
  check(kind, [...found].some((name) => name.startsWith(`./assets/${kind}-`)), true);
}
// What is bundled is left to no loader. Texts of errors name other packages.
const bare =
  /\b(?:from|import\(?)\s*["'`](?:lit|uplot|dockview-core|three|fzstd|flatbuffers|smalti)(?:-core)?["'`/]/;
check("bare imports", [...found].filter((name) => name.endsWith(".js") && bare.test(read(name))).join(), "");

const licences = read("./licenses.txt");
for (const name of ["lit", "uplot", "dockview-core", "three", "fzstd", "flatbuffers"]) {
  check(`the licence of ${name}`, new RegExp(`^${name} \\d`, "m").test(licences), true);
}
for (const name of ["lit", "uplot", "dockview-core", "three", "vite"]) {
  const isThere = existsSync(new URL(`../node_modules/${name}`, import.meta.url));
  check(`${name} is installed`, isThere, false);
}
