/**
 * What the URL of the page says.
 *
 * @module
 */

/** The state of a page. All of it may be missing. */
export interface UrlState {
  /** URL of the recording: `?url=`. */
  readonly url?: string;
  /** URL of the one beside it: `&with=`. */
  readonly with?: string;
  /** How much later the second one is shown than the first, both from their starts on: `&shift=`, decimal seconds in the URL. */
  readonly shiftNs?: bigint;
  /** URL of a file with the layout: `&layout=`. */
  readonly layoutUrl?: string;
  /** The cursor: `t`. */
  readonly cursorNs?: bigint;
  /** The window: `w`. */
  readonly windowNs?: { readonly fromNs: bigint; readonly toNs: bigint };
  /** Marks. */
  readonly aNs?: bigint;
  readonly bNs?: bigint;
  readonly speed?: number;
  /** The layout, packed: `p`. */
  readonly packedLayout?: string;
}
