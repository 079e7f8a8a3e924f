/** What the model holds the code to, beyond what has always been so. */
export const RULES = {
  /**
   * After a flush and no push for the longer of 1 s and `latenessNs`, followers have all that was flushed, the last
   * message included; one that is pushed later with its time is late.
   */
  closesWhenIdle: false,
  /** Sessions flush by themselves unless told otherwise. */
  flushesByDefault: false,
  /** `sequenceCreate` with a function rejects where the sequence was aborted within. */
  callbackTellsAbort: false,
  /** Readers go on with the files that they began, whatever comes to their paths. */
  readersKeepFiles: false,
  /** Several sessions of one client may write one sequence, with topics of their own. */
  sideBySide: false,
};
