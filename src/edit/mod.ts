/**
 * New sequences of those that are there: parts of one, several as one. In a module of its own, so that who edits nothing
 * loads nothing of it.
 *
 * @module
 */
export { type CutOptions, cutSequence } from "./cut.ts";
export type { EditCourse, EditOptions } from "./edit_options.ts";
export { filterSequence } from "./filter.ts";
export { type MergeOptions, mergeSequences } from "./merge.ts";
