/** What the model holds the code to, and may be told not to while it is known not to be so. */
export const RULES = {
  /** Who follows a sequence that is removed hears ABORTED, not NOT_FOUND of a file. */
  followersTellRemoval: true,
  /** Readers go on with the files that they began, whatever comes to their paths. */
  readersKeepFiles: true,
};
