/**
 * Frames and poses in space: three axes each, with a name, and a line to the frame it lies in.
 *
 * @module
 */
import { AxesHelper, BufferGeometry, Group, Line, LineBasicMaterial, type Matrix4, Vector3 } from "three";
import type { PerspectiveCamera } from "three";
import { Label } from "./label.ts";
import type { Ink } from "./palette.ts";

/** Three axes at a place. */
export interface Axes {
  /** What tells it from the others. */
  readonly key: string;
  readonly text: string;
  readonly matrix: Matrix4;
  /** Where what it hangs from is. */
  readonly parent?: Matrix4;
}

/** How long axes are, as a part of their distance from the eye: as long on the screen wherever they are. */
const LENGTH = 0.06;

interface Drawn {
  readonly axes: AxesHelper;
  readonly label: Label;
  readonly line: Line<BufferGeometry, LineBasicMaterial>;
}

/** All axes of a picture. */
export class AxesGroup {
  readonly group: Group = new Group();
  readonly #drawn = new Map<string, Drawn>();
  #ink: Ink | undefined;

  /** Where they are, in the order in which they were set. */
  get places(): Vector3[] {
    return [...this.#drawn.values()].map(({ axes }) => axes.position.clone());
  }

  /** Puts these in the place of those before. */
  set(all: readonly Axes[], ink: Ink): void {
    if (ink !== this.#ink) this.dispose();
    this.#ink = ink;
    const keys = new Set(all.map(({ key }) => key));
    for (const key of [...this.#drawn.keys()]) {
      if (!keys.has(key)) this.#remove(key);
    }
    for (const { key, text, matrix, parent } of all) {
      const { axes, label, line } = this.#drawn.get(key) ??
        this.#add(key, text, ink);
      matrix.decompose(axes.position, axes.quaternion, axes.scale);
      label.sprite.position.copy(axes.position);
      line.visible = parent !== undefined;
      if (parent) {
        line.geometry.setFromPoints([
          axes.position,
          new Vector3().setFromMatrixPosition(parent),
        ]);
      }
      // It is not computed anew for what moves.
      line.frustumCulled = false;
    }
  }

  /** Takes sizes for a picture of so many pixels in height. */
  fit(camera: PerspectiveCamera, height: number): void {
    const pixel = 2 * Math.tan(camera.fov * Math.PI / 360) / height;
    for (const { axes, label } of this.#drawn.values()) {
      axes.scale.setScalar(
        Math.max(1e-6, camera.position.distanceTo(axes.position) * LENGTH),
      );
      label.fit(pixel);
    }
  }

  dispose(): void {
    for (const key of [...this.#drawn.keys()]) this.#remove(key);
  }

  #add(key: string, text: string, ink: Ink): Drawn {
    const line = new Line(
      new BufferGeometry(),
      new LineBasicMaterial({ color: ink.muted }),
    );
    const drawn = {
      axes: new AxesHelper(1),
      label: new Label(text, ink.text),
      line,
    };
    this.#drawn.set(key, drawn);
    this.group.add(drawn.axes, drawn.label.sprite, line);
    return drawn;
  }

  #remove(key: string): void {
    const { axes, label, line } = this.#drawn.get(key)!;
    this.#drawn.delete(key);
    this.group.remove(axes, label.sprite, line);
    axes.dispose();
    label.dispose();
    line.geometry.dispose();
    line.material.dispose();
  }
}
