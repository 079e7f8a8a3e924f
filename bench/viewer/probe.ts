/// <reference lib="dom" />
/**
 * What is watched within the page. `installProbe` runs there, before the page's own scripts, as text: it may use nothing from
 * around it.
 *
 * @module
 */

/** A message between page and worker, and when. */
export interface Told {
  readonly t: number;
  readonly kind: string;
  readonly id: number;
  // deno-lint-ignore no-explicit-any
  readonly message: any;
}

/** A frame with work: what its callbacks and its rendering took of the page's thread. All times as `performance.now()`. */
export interface Frame {
  readonly start: number;
  /** When its callbacks had run. */
  readonly script: number;
  /** When it was rendered. */
  readonly end: number;
  /** Plots that say how they are drawn. */
  readonly plots: number;
}

/** What was seen. */
export interface Probe {
  readonly asked: Told[];
  readonly told: Told[];
  readonly frames: Frame[];
  /** Pictures that were drawn. */
  pictures: number;
  readonly root: ShadowRoot | undefined;
  /** When a frame that begins now, or the next one, is on the screen. */
  painted(): Promise<number>;
}

declare global {
  var probe: Probe;
}

/** Watches messages and frames of the page that it is run in. */
export function installProbe(): void {
  const asked: Told[] = [];
  const told: Told[] = [];
  const frames: Frame[] = [];
  let root: ShadowRoot | undefined;
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const made = attach.call(this, init);
    if (this.localName === "smalti-viewer") root = made;
    return made;
  };

  const heard = new WeakSet<Worker>();
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (this: Worker, ...args: unknown[]) {
    if (!heard.has(this)) {
      heard.add(this);
      this.addEventListener("message", ({ data }) => {
        told.push({
          t: performance.now(),
          kind: data.kind,
          id: data.id,
          message: data,
        });
        if (told.length > 20_000) told.splice(0, 10_000);
      });
    }
    const [message] = args as [{ kind: string; id: number }];
    asked.push({
      t: performance.now(),
      kind: message.kind,
      id: message.id,
      message,
    });
    return (post as (...args: unknown[]) => void).apply(this, args);
  } as typeof post;

  const request = globalThis.requestAnimationFrame.bind(globalThis);
  const after = new MessageChannel();
  let frame: { start: number; script: number } | undefined;
  const waiting: ((t: number) => void)[] = [];
  // Comes after the frame was rendered.
  after.port1.onmessage = () => {
    const end = performance.now();
    if (frame) {
      const tags = [...probe.root?.querySelectorAll(".plot + .tag") ?? []];
      frames.push({
        ...frame,
        end,
        plots: tags.filter(({ textContent }) => textContent !== "").length,
      });
    }
    frame = undefined;
    for (const resolve of waiting.splice(0)) resolve(end);
  };
  const watched = (callback: FrameRequestCallback) => (now: number) => {
    const start = performance.now();
    try {
      callback(now);
    } finally {
      const script = performance.now();
      if (frame) frame.script = script;
      else {
        frame = { start, script };
        after.port2.postMessage(null);
      }
    }
  };
  globalThis.requestAnimationFrame = (callback) => request(watched(callback));

  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (
    this: unknown,
    ...args: unknown[]
  ) {
    if (args[0] instanceof ImageBitmap) globalThis.probe.pictures++;
    return (draw as (...args: unknown[]) => void).apply(this, args);
  } as typeof draw;

  globalThis.probe = {
    asked,
    told,
    frames,
    pictures: 0,
    get root() {
      return root;
    },
    painted: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        request(watched(() => {}));
      }),
  };
}
