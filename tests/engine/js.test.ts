import { createJsEngine } from "../../src/engine/js.ts";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { engineContract } from "../contract/engine.ts";

engineContract("js", () => createJsEngine());
engineContract(
  "js with native codecs",
  () => createJsEngine(loadNativeCodecs()),
);
