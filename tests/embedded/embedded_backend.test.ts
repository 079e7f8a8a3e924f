import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { engine } from "../arrow/random.ts";
import { makeStore, PLACES } from "../client/support.ts";
import { backendContract } from "../contract/backend.ts";

for (const place of PLACES) {
  backendContract(`embedded in ${place}`, async (options) => {
    const { store, dispose } = await makeStore(place, options);
    return { backend: new EmbeddedBackend(store, engine), dispose };
  });
}
