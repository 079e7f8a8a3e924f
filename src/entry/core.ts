/**
 * `smalti-core`: what records and replays. Without servers and their clients, importers, exporters and the command line,
 * which the package `smalti` has.
 *
 * @module
 */
import { arrowMissing } from "../arrow/library.ts";
import { type Connect, createConnect } from "../connect.ts";
import { missingPackage } from "../missing_package.ts";
import { bundledModule } from "./bundled.ts";
import { SCHEMES } from "../schemes.ts";

export * from "../api.ts";

/** As `connect` of `smalti`, but for `grpc:` URLs, which are UNSUPPORTED. */
export const connect: Connect = createConnect({
  wasm: bundledModule,
  // Bundlers that do not find the package leave an import alone whose failure is caught in this way.
  arrow: () =>
    import("apache-arrow").catch((cause) => {
      throw arrowMissing({ cause });
    }),
  schemes: { ...SCHEMES, grpc: refuseServer, "grpc+tls": refuseServer },
});

function refuseServer(url: string): never {
  throw missingPackage(`connect to "${url}"`, "smalti", { then: `import connect from "smalti"` });
}
