/**
 * The page: what it shows is opened while its scripts are still on their way.
 *
 * @module
 */
import { beginOpening } from "./early.ts";

beginOpening();
void import("../mod.ts");
