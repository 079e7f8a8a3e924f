/**
 * A CommonJS program: `require` of an ES module, which has no top-level await.
 *
 * @module
 */
const smalti = require("smalti");

import("./record.mjs").then(async ({ recordAndReplay }) => {
  console.log(await recordAndReplay(smalti, "memory:"));
});
