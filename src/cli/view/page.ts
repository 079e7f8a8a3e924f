import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SmaltiError } from "../../error.ts";

/** Where the built page is: in the sources, and in the package. */
const PLACES = ["../../../dist/viewer/", "../../../viewer/"];

/** The directory of the built page, or the one given. NOT_FOUND where it is not there. */
export async function findPage(given: string | undefined): Promise<string> {
  const places = given === undefined
    ? PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)))
    : [given];
  for (const place of places) {
    const stats = await stat(join(place, "index.html")).catch(() => undefined);
    if (stats?.isFile()) return place;
  }
  const text = `Cannot show recordings: there is no index.html in ${places[0]}: the page was not built; ` +
    "`npx deno task build` builds it, and the package from npm has it";
  throw new SmaltiError("NOT_FOUND", text, { file: join(places[0], "index.html") });
}
