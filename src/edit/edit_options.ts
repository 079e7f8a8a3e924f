import type { TimeRange } from "../types.ts";
import type { OptionNames } from "../util/options.ts";

/** What every edit can be told of its course. */
export interface EditCourse {
  /** Gives the edit up: it rejects with the signal's reason, and nothing is left of it. @default none */
  signal?: AbortSignal;
  /** Called as messages have been taken; `totalCount` is undefined where it is not known, as of a window. @default none */
  onProgress?: (messageCount: number, totalCount: number | undefined) => void;
}

/** Options of `filterSequence` and `mergeSequences`. */
export interface EditOptions extends TimeRange, EditCourse {
  /** Names of the topics to keep; one without messages in the window is kept too, empty. @default all */
  topics?: readonly string[];
}

/** Their names. */
export const EDIT_OPTIONS: OptionNames<EditOptions> = {
  startNs: true,
  endNs: true,
  topics: true,
  signal: true,
  onProgress: true,
};
