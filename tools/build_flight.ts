/**
 * `deno run -A tools/build_flight.ts`: tools/flight/Flight.proto -> src/flight/generated/flight_pb.ts, which is
 * committed: users need no compiler.
 *
 * @module
 */
import { mustRun, root } from "./tooling.ts";

const at = `${root}/tools/flight`;
const work = await Deno.makeTempDir({ prefix: "smalti-flight-" });
addEventListener("unload", () => Deno.removeSync(work, { recursive: true }));

await mustRun([Deno.execPath(), "install", "--quiet", "--allow-scripts=npm:@bufbuild/buf"], {
  cwd: at,
  quiet: true,
});
await Deno.copyFile(`${at}/Flight.proto`, `${work}/flight.proto`);
const template = {
  version: "v2",
  plugins: [{ local: `${at}/node_modules/.bin/protoc-gen-es`, out: work, opt: ["target=ts"] }],
};
await mustRun([`${at}/node_modules/.bin/buf`, "generate", "--template", JSON.stringify(template)], {
  cwd: work,
  quiet: true,
});
const text = await Deno.readTextFile(`${work}/flight_pb.ts`);
await Deno.writeTextFile(
  `${root}/src/flight/generated/flight_pb.ts`,
  `// deno-fmt-ignore-file\n// deno-lint-ignore-file\n${text.replace("/* eslint-disable */\n", "")}`,
);
