import type { Bucket } from "./bucket.ts";
import { type Epoch, lastEpoch, type LogKeys } from "./epochs.ts";
import { LogView } from "./log_view.ts";
import { encodeRecord } from "./record.ts";

/** Ends an epoch in another's place; undefined where it goes on, or was ended otherwise. */
export async function fence(bucket: Bucket, keys: LogKeys, epoch: Epoch): Promise<LogView | undefined> {
  let view: LogView;
  try {
    view = await LogView.read(bucket, keys, epoch);
  } catch (reason) {
    // Its records may be going, since all was brought to an end.
    if ((await lastEpoch(bucket, keys))?.id !== epoch.id) return undefined;
    throw reason;
  }
  if (view.isFenced) return view;
  const key = keys.record(epoch, view.count + 1);
  const record = encodeRecord({ kind: "fence", steps: [], bytes: new Uint8Array(0) });
  if (!await bucket.create(key, record, crypto.randomUUID())) return undefined;
  view.fences.push(key);
  return view;
}
