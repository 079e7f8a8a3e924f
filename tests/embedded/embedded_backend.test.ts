import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { makeStore, PLACES } from "../support/places.ts";
import { engine } from "../support/tables.ts";
import { backendContract } from "../contract/backend.ts";

for (const place of PLACES) {
  backendContract(`embedded in ${place}`, async (options) => {
    const { store, dispose } = await makeStore(place, options);
    return { backend: new EmbeddedBackend(store, engine), dispose };
  });
}
