/** The first moment that there can be. */
export const MIN_INT64: bigint = -(2n ** 63n);
/** The last one. */
export const MAX_INT64: bigint = 2n ** 63n - 1n;
