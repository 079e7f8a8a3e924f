/**
 * Points, paths and frames in space, over a grid: what three.js draws, loaded when a panel wants it.
 *
 * @module
 */
import {
  Box3,
  BufferAttribute,
  BufferGeometry,
  Color,
  GridHelper,
  Line,
  LineBasicMaterial,
  type Matrix4,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  Sphere,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { type Axes, AxesGroup } from "./axes.ts";
import { inkOf, type Theme } from "./palette.ts";

/** Points, and one number for each to colour it by. */
export interface Cloud {
  readonly points: Float32Array<ArrayBuffer>;
  readonly values?: Float32Array<ArrayBuffer>;
}

/** Places in order. */
export interface Path {
  /** x, y, z of each, one after another, all finite. */
  readonly points: Float32Array<ArrayBuffer>;
  readonly color: string;
}

/** A path: all of it weak, a part strong. */
interface DrawnPath {
  readonly all: Line<BufferGeometry, LineBasicMaterial>;
  readonly part: Line<BufferGeometry, LineBasicMaterial>;
}

/**
 * A picture of clouds and paths by their names, which is drawn anew only when something changed. What was set is hidden until
 * it is placed. z is up.
 */
export class CloudScene {
  readonly element: HTMLCanvasElement;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(50, 1, 0.01, 10_000);
  readonly #controls: OrbitControls;
  readonly #clouds = new Map<string, Points<BufferGeometry, PointsMaterial>>();
  readonly #paths = new Map<string, DrawnPath>();
  readonly #axes = new AxesGroup();
  #grid: GridHelper | undefined;
  /** What the eye was placed by: 0 nothing, 1 frames, 2 paths, 3 clouds, 4 the user. */
  #placedBy = 0;

  /** Throws where there is no WebGL. */
  constructor(onChange: () => void) {
    this.#renderer = new WebGLRenderer({
      antialias: true,
      preserveDrawingBuffer: true,
    });
    this.element = this.#renderer.domElement;
    this.#camera.up.set(0, 0, 1);
    this.#camera.position.set(-12, -12, 10);
    this.#controls = new OrbitControls(this.#camera, this.element);
    this.#controls.addEventListener("change", onChange);
    this.#controls.addEventListener("start", () => this.#placedBy = 4);
    this.#scene.add(this.#axes.group);
  }

  /** Puts a cloud in the place of the one of that name; undefined takes it away. */
  setCloud(name: string, cloud: Cloud | undefined): void {
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
      new PointsMaterial({
        size: 2,
        sizeAttenuation: false,
        vertexColors: true,
      }),
    );
    points.matrixAutoUpdate = false;
    points.visible = false;
    this.#clouds.set(name, points);
    this.#scene.add(points);
  }

  /** Says what takes a cloud into the picture's frame; undefined hides it. */
  placeCloud(name: string, matrix: Matrix4 | undefined): void {
    const points = this.#clouds.get(name);
    if (points) placeObject(points, matrix);
  }

  /** Puts a path in the place of the one of that name; undefined takes it away. */
  setPath(name: string, path: Path | undefined): void {
    const old = this.#paths.get(name);
    if (old) {
      this.#scene.remove(old.all, old.part);
      for (const { geometry, material } of [old.all, old.part]) {
        geometry.dispose();
        material.dispose();
      }
      this.#paths.delete(name);
    }
    if (!path || path.points.length === 0) return;
    const { color } = path;
    const line = (opacity: number) => {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", new BufferAttribute(path.points, 3));
      const material = new LineBasicMaterial({
        color,
        opacity,
        transparent: opacity < 1,
      });
      const line = new Line(geometry, material);
      line.matrixAutoUpdate = false;
      line.visible = false;
      return line;
    };
    const drawn = { all: line(0.35), part: line(1) };
    this.#paths.set(name, drawn);
    this.#scene.add(drawn.all, drawn.part);
  }

  /** Says what takes a path into the picture's frame, and which of its places are strong; undefined hides it. */
  placePath(
    name: string,
    matrix: Matrix4 | undefined,
    first: number = 0,
    count: number = Infinity,
  ): void {
    const path = this.#paths.get(name);
    if (!path) return;
    placeObject(path.all, matrix);
    placeObject(path.part, matrix);
    path.part.geometry.setDrawRange(first, count);
  }

  /** Draws it. */
  draw(
    width: number,
    height: number,
    theme: Theme,
    axes: readonly Axes[],
  ): void {
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
    this.#axes.set(axes, ink);
    this.#placeEye();
    this.#axes.fit(this.#camera, height);
    this.#renderer.render(this.#scene, this.#camera);
  }

  /** Frees what the graphics card holds. */
  dispose(): void {
    for (const name of [...this.#clouds.keys()]) this.setCloud(name, undefined);
    for (const name of [...this.#paths.keys()]) this.setPath(name, undefined);
    this.#axes.dispose();
    this.#grid?.dispose();
    this.#controls.dispose();
    this.#renderer.dispose();
  }

  /** Looks at all of the first cloud, else of the first path, else of the frames, until the user looks elsewhere. */
  #placeEye(): void {
    const all: readonly [number, Sphere | undefined][] = [
      [3, firstSphere([...this.#clouds.values()])],
      [2, firstSphere([...this.#paths.values()].map(({ all }) => all))],
      [1, sphereOf(this.#axes)],
    ];
    const [best, sphere] = all.find(([, sphere]) => sphere) ?? [0, undefined];
    if (!sphere || best <= this.#placedBy) return;
    this.#placedBy = best;
    const distance = sphere.radius * 1.9;
    this.#controls.target.copy(sphere.center);
    this.#camera.position.copy(sphere.center).add({
      x: -distance,
      y: -distance,
      z: distance * 0.8,
    });
    this.#controls.update();
  }
}

function placeObject(object: Points | Line, matrix: Matrix4 | undefined): void {
  object.visible = matrix !== undefined;
  if (!matrix) return;
  object.matrix.copy(matrix);
  object.matrixWorldNeedsUpdate = true;
}

/** What is around the first of some objects that is seen. */
function firstSphere(objects: readonly (Points | Line)[]): Sphere | undefined {
  for (const { visible, geometry, matrix } of objects) {
    if (!visible) continue;
    geometry.computeBoundingSphere();
    const sphere = geometry.boundingSphere?.clone().applyMatrix4(matrix);
    if (sphere && sphere.radius > 0) return sphere;
  }
}

function sphereOf({ places }: AxesGroup): Sphere | undefined {
  if (places.length === 0) return undefined;
  const sphere = new Box3().setFromPoints(places).getBoundingSphere(
    new Sphere(),
  );
  sphere.radius = Math.max(1, sphere.radius);
  return sphere;
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
    color.setHSL(0.62 - 0.48 * (valueOf(i) - least) / span, 0.75, 0.55).toArray(
      colors,
      3 * i,
    );
  }
  return colors;
}
