/**
 * The frames of a recording around the cursor, asked for before they are needed.
 *
 * @module
 */
import type { DataClient } from "../data/client.ts";
import type { TransformsAnswer } from "../data/protocol.ts";
import { TransformTree } from "../draw/transform_tree.ts";
import { isTold } from "./parts.ts";

/** What is asked for before the cursor and beyond it, in nanoseconds. */
const BEFORE_NS = 5_000_000_000n;
const BEYOND_NS = 20_000_000_000n;

/** Keeps the tree of frames that the cursor needs. */
export class SceneTransforms {
  readonly #client: DataClient;
  readonly #panel: number;
  readonly #onChange: () => void;
  readonly #abort = new AbortController();
  #topics: readonly string[] = [];
  #tree = new TransformTree();
  #answer: TransformsAnswer | undefined;
  #ignored = 0;
  #failure: string | undefined;
  /** What is being asked for. */
  #asked: { readonly fromNs: bigint; readonly toNs: bigint } | undefined;

  constructor(client: DataClient, onChange: () => void) {
    this.#client = client;
    this.#panel = client.newPanel();
    this.#onChange = onChange;
  }

  /** The frames, as far as they are known. */
  get tree(): TransformTree {
    return this.#tree;
  }

  /** Whether it is known, be it outdated. */
  get isThere(): boolean {
    return this.#topics.length === 0 || this.#answer !== undefined ||
      this.#failure !== undefined;
  }

  /** A moment of the recording by the clock of the transforms. */
  stampOf(ns: bigint): bigint {
    return ns - (this.#answer?.clockOffsetNs ?? 0n);
  }

  /** What is wrong with transforms, in words. */
  get complaints(): string[] {
    const { unnamed = 0, isCut = false, errors = [] } = this.#answer ?? {};
    return [
      ...(this.#failure === undefined ? [] : [this.#failure]),
      ...errors.map(({ topic, message }) => topic === undefined ? message : `${topic}: ${message}`),
      ...(unnamed > 0 ? [`${unnamed} transforms without names of frames are left out`] : []),
      ...(this.#ignored > 0
        ? [
          `${this.#ignored} transforms are left out: numbers that are no pose, or a frame in itself`,
        ]
        : []),
      ...(isCut ? ["There are more transforms here than are read"] : []),
    ];
  }

  /** Takes the topics anew, of which some may have grown. */
  setTopics(topics: readonly string[]): void {
    this.#topics = topics;
    this.#asked = undefined;
    if (this.#answer) {
      this.#answer = { ...this.#answer, window: { fromNs: 0n, toNs: 0n } };
    }
  }

  /** Asks for what a moment needs, unless that is known; `speed` times real time, it goes on from there. */
  want(ns: bigint, speed: number): void {
    if (this.#topics.length === 0) return;
    const ahead = (length: bigint) => length * BigInt(Math.max(1, Math.ceil(Math.min(speed, 100))));
    const covers = (window: TransformsAnswer["window"], ns: bigint) =>
      window !== undefined && ns >= window.fromNs && ns < window.toNs;
    const known = this.#answer;
    if (known && !known.window) return;
    // While it plays, the next stretch is asked for before this one ends.
    if (
      covers(known?.window, ns) &&
      covers(known?.window, ns + ahead(BEYOND_NS / 4n))
    ) return;
    if (covers(this.#asked, ns)) return;
    this.#ask({ fromNs: ns - BEFORE_NS, toNs: ns + ahead(BEYOND_NS) });
  }

  dispose(): void {
    this.#abort.abort();
  }

  async #ask(
    window: { readonly fromNs: bigint; readonly toNs: bigint },
  ): Promise<void> {
    this.#asked = window;
    const request = { ...window, topics: this.#topics };
    const { value, error } = await this.#client.ask(
      "transforms",
      this.#panel,
      request,
      {
        signal: this.#abort.signal,
      },
    );
    // A newer one took its place.
    if (this.#asked !== window) return;
    this.#failure = isTold(error) ? error.message : undefined;
    if (value) this.#take(value);
    // What failed is not asked for again until the cursor is elsewhere.
    if (value) this.#asked = undefined;
    if (value || this.#failure !== undefined) this.#onChange();
  }

  #take(answer: TransformsAnswer): void {
    const tree = new TransformTree();
    const { frames, parents, children, ns, isStatic, numbers } = answer;
    this.#ignored = 0;
    for (let i = 0; i < ns.length; i++) {
      const isTaken = tree.add({
        parent: frames[parents[i]],
        child: frames[children[i]],
        ns: ns[i],
        isStatic: isStatic[i] === 1,
        numbers: numbers.subarray(7 * i, 7 * i + 7),
      });
      if (!isTaken) this.#ignored++;
    }
    this.#answer = answer;
    this.#tree = tree;
  }
}
