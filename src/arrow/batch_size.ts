/** A batch is full when it has so many rows... */
export const BATCH_ROWS = 65_536;
/** ...or so many bytes in memory, whichever comes first. */
export const BATCH_BYTES: number = 1 << 19;
