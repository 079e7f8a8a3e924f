/**
 * smalti-core alone: what an installation weighs, and that it records and replays.
 *
 * @module
 */
import { runEverywhere } from "./exports.ts";
import { expectSame, fail, measure, type Project } from "./project.ts";
import { flight, type Site } from "./site.ts";

/** Packages beside ours, and bytes of all, that an installation may hold at most. */
const MAX_OTHERS = 4;
const MAX_BYTES = 2.2e6;

/** Few packages, few bytes. */
export function checkWeight(project: Project): void {
  const { packages, bytes } = measure(project);
  const others = packages.filter((name) => name !== project.name);
  if (others.length > MAX_OTHERS || bytes > MAX_BYTES) {
    fail(
      `${project.name} brings ${
        others.join(", ")
      }, ${bytes} bytes: wanted ${MAX_OTHERS} others, ${MAX_BYTES} bytes`,
    );
  }
}

/** Records the flight anew from what the whole package imported, and replays that. */
export async function checkCore(project: Project, site: Site): Promise<void> {
  const output = await runEverywhere(project, "core.mjs", {
    SMALTI_RECORDINGS: `${site.directory}/recordings`,
  });
  expectSame(`${project.name} alone`, JSON.parse(output), {
    flight: { engine: "wasm", messages: flight.messages, sha256: flight.order_sha256 },
    table: "UNSUPPORTED npm install apache-arrow",
    server: `UNSUPPORTED npm install smalti, and import connect from "smalti"`,
  });
}
