import type { SequenceInfo } from "../types.ts";
import type { ImportFlaw } from "./flaws.ts";
import type { ImportedFile } from "./import_files.ts";
import type { ImportedTopic } from "./topic_import.ts";

/** What an import did. */
export interface ImportReport {
  /** The sequence as it is now. */
  readonly sequence: SequenceInfo;
  /** What became of each topic of the file, in the order of their making. */
  readonly topics: readonly ImportedTopic[];
  /** Messages taken, on all topics. */
  readonly messageCount: number;
  /** The files, in the order given. */
  readonly files: readonly ImportedFile[];
  /** What is wrong with the file, in its order: the first 1,000 flaws. */
  readonly flaws: readonly ImportFlaw[];
  /** How many flaws there are, by kind. */
  readonly flawCounts: Readonly<Record<string, number>>;
}
