/**
 * What a server such as `smalti view` tells of recordings that grow, by server-sent events. Where it tells of nothing, the worker
 * looks by itself now and then.
 *
 * @module
 */

/** Calls back whenever a server says that a recording has changed, until the function that is returned is called. */
export function listenForChanges(
  { url, name }: { readonly url: string; readonly name: string },
  onChange: () => Promise<unknown>,
): () => void {
  let events: EventSource | undefined;
  let hasEnded = false;
  let isLooking = false;
  let isStale = false;
  // One look at a time; what is told meanwhile is one more.
  const look = async () => {
    isStale = isLooking;
    if (isLooking) return;
    isLooking = true;
    await onChange();
    isLooking = false;
    if (isStale && !hasEnded) await look();
  };
  const listen = async () => {
    const eventsUrl = await eventsUrlOf(url);
    if (eventsUrl === undefined || hasEnded) return;
    events = new EventSource(eventsUrl);
    events.addEventListener("message", ({ data }) => {
      if (tellsOf(data, name)) void look();
    });
  };
  // No server that tells of changes.
  listen().catch(() => {});
  return () => {
    hasEnded = true;
    events?.close();
  };
}

/** Where the server of a recording tells of changes (RFC 5989); undefined where it does not. */
async function eventsUrlOf(recording: string): Promise<string | undefined> {
  if (!/^https?:/i.test(recording)) return undefined;
  const manifest = new URL(recording);
  manifest.pathname = `${manifest.pathname.replace(/\/*$/, "")}/sequence.json`;
  const { headers } = await fetch(manifest, { method: "HEAD" });
  const link = /<([^>]*)>\s*;\s*rel="?monitor-group"?/.exec(headers.get("Link") ?? "")?.[1];
  if (link === undefined) return undefined;
  const events = new URL(link, manifest);
  // Nobody makes the page ask some other server.
  return events.origin === manifest.origin ? events.href : undefined;
}

/** Whether an event is of a recording; of one that does not say it may be. */
function tellsOf(data: string, name: string): boolean {
  try {
    const { sequence } = JSON.parse(data);
    return typeof sequence !== "string" || sequence === name;
  } catch {
    return true;
  }
}
