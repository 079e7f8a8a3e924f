/**
 * Points in space, with axes and a grid: what three.js draws, loaded when a panel wants it.
 *
 * @module
 */
import {
  AxesHelper,
  BufferAttribute,
  BufferGeometry,
  Color,
  GridHelper,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { inkOf, type Theme } from "./palette.ts";

/** Points, and one number for each to colour it by. */
export interface Cloud {
  readonly points: Float32Array<ArrayBuffer>;
  readonly values?: Float32Array<ArrayBuffer>;
}

/** A picture of clouds by their names, which is drawn anew only when something changed. z is up. */
export class CloudScene {
  readonly element: HTMLCanvasElement;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(50, 1, 0.01, 10_000);
  readonly #controls: OrbitControls;
  readonly #clouds = new Map<string, Points<BufferGeometry, PointsMaterial>>();
  #grid: GridHelper | undefined;
  #isPlaced = false;

  /** Throws where there is no WebGL. */
  constructor(onChange: () => void) {
    this.#renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
    this.element = this.#renderer.domElement;
    this.#camera.up.set(0, 0, 1);
    this.#camera.position.set(-12, -12, 10);
    this.#controls = new OrbitControls(this.#camera, this.element);
    this.#controls.addEventListener("change", onChange);
    this.#scene.add(new AxesHelper(1));
  }

  /** Puts a cloud in the place of the one of that name; undefined takes it away. */
  set(name: string, cloud: Cloud | undefined): void {
    const old = this.#clouds.get(name);
    if (old) {
      this.#scene.remove(old);
      old.geometry.dispose();
      old.material.dispose();
      this.#clouds.delete(name);
    }
    if (!cloud) return;
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(cloud.points, 3));
    geometry.setAttribute("color", new BufferAttribute(colorsOf(cloud), 3));
    const points = new Points(
      geometry,
      new PointsMaterial({ size: 2, sizeAttenuation: false, vertexColors: true }),
    );
    this.#clouds.set(name, points);
    this.#scene.add(points);
    if (!this.#isPlaced && cloud.points.length > 0) this.#place(geometry);
  }

  /** Draws it. */
  draw(width: number, height: number, theme: Theme): void {
    if (width < 1 || height < 1) return;
    const ink = inkOf(theme);
    this.#renderer.setPixelRatio(devicePixelRatio || 1);
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    this.#camera.updateProjectionMatrix();
    this.#scene.background = new Color(ink.panel);
    if (this.#grid) this.#scene.remove(this.#grid);
    this.#grid?.dispose();
    this.#grid = new GridHelper(40, 40, ink.axis, ink.grid);
    // It lies in the plane of x and z where it is made.
    this.#grid.rotateX(Math.PI / 2);
    this.#scene.add(this.#grid);
    this.#renderer.render(this.#scene, this.#camera);
  }

  /** Frees what the graphics card holds. */
  dispose(): void {
    for (const name of [...this.#clouds.keys()]) this.set(name, undefined);
    this.#grid?.dispose();
    this.#controls.dispose();
    this.#renderer.dispose();
  }

  /** Looks at all of the first cloud. */
  #place(geometry: BufferGeometry): void {
    geometry.computeBoundingSphere();
    const sphere = geometry.boundingSphere;
    if (!sphere || !(sphere.radius > 0)) return;
    this.#isPlaced = true;
    const distance = sphere.radius * 1.9;
    this.#controls.target.copy(sphere.center);
    this.#camera.position.copy(sphere.center).add({ x: -distance, y: -distance, z: distance * 0.8 });
    this.#controls.update();
  }
}

/** From blue over green to yellow, by the values, or by the height where there are none. */
function colorsOf({ points, values }: Cloud): Float32Array<ArrayBuffer> {
  const count = points.length / 3;
  const valueOf = (i: number) => values ? values[i] : points[3 * i + 2];
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    const value = valueOf(i);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const span = most > least ? most - least : 1;
  const colors = new Float32Array(points.length);
  const color = new Color();
  for (let i = 0; i < count; i++) {
    color.setHSL(0.62 - 0.48 * (valueOf(i) - least) / span, 0.75, 0.55).toArray(colors, 3 * i);
  }
  return colors;
}
