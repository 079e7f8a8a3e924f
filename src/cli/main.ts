#!/usr/bin/env node
/**
 * The command line: `smalti COMMAND`. It starts when it is loaded; what it does is in run.ts.
 *
 * @module
 */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { run } from "./run.ts";

// What a command makes is garbage at once. V8 would let the space for it grow by 100 MB and gain no speed.
if (process.versions.v8 && !process.versions.bun) setFlagsFromString("--semi-space-growth-factor=1");

process.exit(await run(process.argv.slice(2)));
