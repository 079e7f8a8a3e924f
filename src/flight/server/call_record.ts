/** One call that has ended. */
export interface CallRecord {
  /** Name of the RPC, and of the action where it is DoAction; of a long one the beginning. */
  readonly call: string;
  /** The status' name: `ok`, or as in gRPC, such as `not_found`. */
  readonly status: string;
  /** What the caller was told, where it failed. */
  readonly message?: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}
