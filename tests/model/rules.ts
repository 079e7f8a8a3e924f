/** What the model holds the code to, beyond what has always been so. */
export const RULES = {
  /**
   * After a flush and no push for the longer of 1 s and `latenessNs`, followers have all that was flushed, the last
   * message included; one that is pushed later with its time is late.
   */
  closesWhenIdle: true,
  /** `sequenceCreate` with a function rejects where the sequence was aborted within. */
  callbackTellsAbort: true,
  /** Who follows a sequence that is removed hears ABORTED, not NOT_FOUND of a file. */
  followersTellRemoval: true,
  /** Readers go on with the files that they began, whatever comes to their paths. */
  readersKeepFiles: true,
};
