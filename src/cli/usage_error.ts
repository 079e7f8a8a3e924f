/** Arguments that make no sense, found out after they were parsed: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
