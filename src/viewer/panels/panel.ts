/**
 * What a panel is: the page's own and those of its users are made the same way, by {@linkcode registerPanel}.
 *
 * @module
 */
import type { DataClient } from "../data/client.ts";
import type { AtAnswer, RecordingInfo, TopicSummary, TopicWish } from "../data/protocol.ts";
import type { Clock } from "../time/clock.ts";

/** A recording that is shown. */
export interface ShownRecording {
  readonly client: DataClient;
  /** As it is now. */
  readonly info: RecordingInfo;
  /** How much later it is shown than the first one, both from their starts on, in nanoseconds; 0n of the first. */
  readonly shiftNs: bigint;
}

/** What a panel has: a place in the page, the time, the data. */
export interface PanelContext<S = Options> {
  /** Where to draw; empty, with a size of its own, and told by `resized`. */
  readonly element: HTMLElement;
  /** Cursor and window, which all panels share. */
  readonly clock: Clock;
  /** The recording. */
  readonly recording: ShownRecording;
  /** The one that is laid over it, where there is one. */
  readonly second: ShownRecording | undefined;
  /** Shows the one that is laid over later, or earlier, by that many nanoseconds. */
  shiftSecond(byNs: bigint): void;
  /** How the page looks now. */
  readonly theme: "dark" | "light";
  /** Its options, as they were saved: plain JSON that may be anything, since who wrote it may mean ill. */
  readonly options: S;
  /** Seconds under the pointer, shared by all panels. */
  readonly hover: {
    readonly seconds: number | undefined;
    set(seconds: number | undefined): void;
    subscribe(listener: (seconds: number | undefined) => void): () => void;
  };
  /** What panels with a time axis leave free beside it, and how they ask for that, so that times lie below each other. */
  readonly margins: {
    readonly now: { readonly left: number; readonly right: number };
    want(panel: object, margins: { readonly left: number; readonly right: number } | undefined): void;
    subscribe(listener: () => void): () => void;
  };
  /** Keeps other options: in the link, and for the next time. */
  save(options: S): void;
  /** Calls it in the next frame, once. */
  request(draw: (nowMs: number) => void): void;
  /**
   * Tells what topics have at the cursor, now and whenever that changes, played or not. An answer comes for each wish that
   * changed. Returns what ends it.
   */
  watch(wishes: readonly TopicWish[], onAnswers: (answers: readonly AtAnswer[]) => void): () => void;
  /** Tells that all there is to see is on the screen: what the page needs less is loaded then. Once is enough. */
  drawn(): void;
  /** Says something that goes by itself. */
  say(text: string, isBad?: boolean): void;
  /** Names the panel anew. */
  setTitle(title: string): void;
}

/** Plain JSON. */
// deno-lint-ignore no-explicit-any
export type Options = { readonly [key: string]: any };

/** A panel that is shown. All but `dispose` may be left out. */
export interface Panel {
  /** Its place has another size, or the page another look. */
  resized?(): void;
  /** The recording has grown, or another one was laid over it. */
  changed?(): void;
  /**
   * Whether a field, or a topic, goes well with what it shows. Asked where the user has not said into which panel it shall go; what is
   * dropped on a panel is added to it anyway. @default true
   */
  fits?(topic: TopicSummary, path: string | undefined): boolean | Promise<boolean>;
  /** Takes a field, or a whole topic where `path` is undefined, that was dropped on it; false where it has no use for it. */
  add?(topic: TopicSummary, path: string | undefined): boolean;
  /** What it shows as a picture. */
  picture?(): HTMLCanvasElement | undefined;
  /** Steps to its next or previous frame, for `,` and `.`. */
  step?(direction: 1 | -1): void;
  /** Ends it: what was asked for is given up. Its element is removed by the page. */
  dispose(): void;
}

/** A kind of panel. */
export interface PanelDefinition<S = Options> {
  /** In layouts and links: lower case letters, digits and dashes. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** How well it suits a topic, from 0 (not at all) to 1: what "add to a new panel" offers. */
  takes(topic: TopicSummary): number;
  /** Makes one. It may come later, as where it loads what it draws with. */
  create(context: PanelContext<S>): Panel | Promise<Panel>;
}

const definitions = new Map<string, PanelDefinition>();

/**
 * Makes a kind of panel known, before or after the page was opened. One of the same name takes the place of the older.
 *
 * @example
 * ```ts
 * import { registerPanel } from "smalti/viewer";
 *
 * registerPanel({
 *   name: "battery",
 *   title: "Battery",
 *   takes: (topic) => topic.name === "battery_status" ? 1 : 0,
 *   create({ element, watch }) {
 *     const stop = watch([{ topic: "battery_status" }], ([{ content }]) => {
 *       if (content?.kind === "values") element.textContent = `${content.data.voltage_v} V`;
 *     });
 *     return { dispose: stop };
 *   },
 * });
 * ```
 */
export function registerPanel<S = Options>(definition: PanelDefinition<S>): void {
  if (!/^[a-z][a-z0-9-]*$/.test(definition.name)) {
    throw new TypeError(
      `A panel is named ${JSON.stringify(definition.name)}: wanted lower case letters, digits and dashes`,
    );
  }
  definitions.set(definition.name, definition as unknown as PanelDefinition);
}

/** The kind of that name. */
export function panelDefinition(name: string): PanelDefinition | undefined {
  return definitions.get(name);
}

/** All kinds, in the order in which they became known. */
export function panelDefinitions(): PanelDefinition[] {
  return [...definitions.values()];
}
