/**
 * What topics have at the cursor: asked for where the cursor is moved, streamed by the worker while it plays.
 *
 * @module
 */
import type { DataClient, Playback } from "../data/client.ts";
import type { AtAnswer, TopicWish } from "../data/protocol.ts";
import type { Clock } from "../time/clock.ts";
import type { Frames } from "./frames.ts";

/** What watching needs. */
export interface WatchSource {
  readonly client: DataClient;
  readonly clock: Clock;
  readonly frames: Frames;
  /** Hears what could not be asked. */
  readonly onError: (message: string) => void;
}

/** Watches until the returned function is called. */
export function watch(
  { client, clock, frames, onError }: WatchSource,
  wishes: readonly TopicWish[],
  onAnswers: (answers: readonly AtAnswer[]) => void,
): () => void {
  const panel = client.newPanel();
  let playback: Playback | undefined;
  let isAsking = false;
  let isStale = false;
  let hasEnded = false;

  // One question at a time: while the cursor is dragged, each is answered and the newest position is the next one.
  const ask = async () => {
    if (hasEnded || playback) return;
    if (isAsking) {
      isStale = true;
      return;
    }
    isAsking = true;
    isStale = false;
    const { value, error } = await client.ask("at", panel, { ns: clock.cursorNs, wishes });
    isAsking = false;
    if (hasEnded || playback) return;
    if (value) onAnswers(value);
    else if (error.code !== "ABORTED" && error.code !== "CLOSED") onError(error.message);
    if (isStale) frames.request(ask);
  };
  const play = () => {
    playback?.stop();
    const request = { fromNs: clock.cursorNs, speed: clock.speed, wishes };
    playback = client.play(panel, request, ({ changes }) => !hasEnded && onAnswers(changes));
    playback.tick(clock.cursorNs);
  };
  const follow = () => {
    playback?.stop();
    playback = undefined;
    frames.request(ask);
  };
  const unsubscribe = clock.subscribe((changes) => {
    if (changes.has("playing")) clock.isPlaying ? play() : follow();
    else if (changes.has("speed") && clock.isPlaying) play();
    else if (changes.has("cursor")) playback ? playback.tick(clock.cursorNs) : void ask();
    else if (changes.has("extent") && !playback) frames.request(ask);
  });
  if (wishes.length === 0) onAnswers([]);
  else if (clock.isPlaying) play();
  else ask();
  return () => {
    hasEnded = true;
    unsubscribe();
    frames.cancel(ask);
    playback?.stop();
  };
}
