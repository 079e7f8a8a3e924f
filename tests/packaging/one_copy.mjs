/**
 * What the whole package exports is the core's: `instanceof` holds across them. All but `connect`, which reaches servers.
 *
 * @module
 */
import process from "node:process";
import * as core from "smalti-core";
import * as slim from "smalti-core/slim";
import * as smalti from "smalti";

const others = Object.keys(smalti).filter((name) => smalti[name] !== core[name] || core[name] !== slim[name]);
console.log(others.join(" "), Object.keys(smalti).length === Object.keys(core).length);
const client = await core.connect("memory:");
if (others.join() !== "connect" || !(client instanceof smalti.Client)) process.exit(1);
