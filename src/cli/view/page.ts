import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SmaltiError } from "../../error.ts";

/** Where the built page is: in the sources, and in the package. */
const PLACES = ["../../../dist/viewer/", "../../../viewer/"];

/** The directory of the built page, or the one given. NOT_FOUND where it is not there. */
export async function findPage(given: string | undefined): Promise<string> {
  // From a registry's URL a program has modules alone, no files beside them.
  const here = PLACES.map((place) => new URL(place, import.meta.url)).filter(({ protocol }) =>
    protocol === "file:"
  )
    .map((url) => fileURLToPath(url));
  const places = given === undefined ? here : [given];
  for (const place of places) {
    const stats = await stat(join(place, "index.html")).catch(() => undefined);
    if (stats?.isFile()) return place;
  }
  const what = places.length > 0
    ? `there is no index.html in ${places[0]}: the page was not built`
    : "the package from JSR has no page";
  const text = `Cannot show recordings: ${what}. The package from npm has it: \`npx smalti view\`, or ` +
    "`deno run -A npm:smalti view`; in the sources `npx deno task build:viewer` builds it";
  throw new SmaltiError("NOT_FOUND", text, places.length > 0 ? { file: join(places[0], "index.html") } : {});
}
