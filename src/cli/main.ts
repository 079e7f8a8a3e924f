#!/usr/bin/env node
/**
 * The command line: `smalti COMMAND`. It starts when it is loaded; what it does is in run.ts.
 *
 * @module
 */
import process from "node:process";
import { run } from "./run.ts";

process.exit(await run(process.argv.slice(2)));
