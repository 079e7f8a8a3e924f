/**
 * A page with the main entry: reports what the package does there.
 *
 * @module
 */
import * as smalti from "smalti";
import { report } from "./report.mjs";

report(smalti, {});
