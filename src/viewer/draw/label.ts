/**
 * Names of things in space, as large on the screen wherever they are.
 *
 * @module
 */
import { CanvasTexture, Sprite, SpriteMaterial } from "three";

const FONT_PIXELS = 12;
const MAX_CHARACTERS = 60;

/** A text beside a point, in front of all else. */
export class Label {
  readonly sprite: Sprite;
  readonly #width: number;
  readonly #height = FONT_PIXELS + 6;

  constructor(text: string, color: string) {
    const shown = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d")!;
    const font = `${FONT_PIXELS}px system-ui, sans-serif`;
    context.font = font;
    this.#width = Math.ceil(context.measureText(shown).width) + 4;
    // Sharp where a pixel of the page is two of the screen.
    const ratio = Math.max(1, devicePixelRatio || 1);
    canvas.width = Math.ceil(this.#width * ratio);
    canvas.height = Math.ceil(this.#height * ratio);
    context.scale(ratio, ratio);
    context.font = font;
    context.fillStyle = color;
    context.textBaseline = "middle";
    context.fillText(shown, 2, this.#height / 2);
    const map = new CanvasTexture(canvas);
    const material = new SpriteMaterial({
      map,
      depthTest: false,
      depthWrite: false,
      sizeAttenuation: false,
    });
    this.sprite = new Sprite(material);
    // To the right of the point and a little above it.
    this.sprite.center.set(-8 / this.#width, 0.2);
    this.sprite.renderOrder = 1;
  }

  /** Takes its size for a picture: how large a pixel is at a distance of 1. */
  fit(pixel: number): void {
    this.sprite.scale.set(this.#width * pixel, this.#height * pixel, 1);
  }

  dispose(): void {
    this.sprite.material.map?.dispose();
    this.sprite.material.dispose();
  }
}
