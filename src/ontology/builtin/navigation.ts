/**
 * Maps, and ways through them.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { float32, int8, uint32 } from "../field.ts";
import { Point3d, Pose } from "./geometry.ts";
import { header, Time, type WithHeader } from "./header.ts";
import { builtin, items, nested } from "./table.ts";

/** Size and place of an {@linkcode OccupancyGrid}. */
export interface MapMetadata {
  /** When the map was loaded. */
  map_load_time: Time;
  /** Side of a cell, in m. */
  resolution: number;
  /** Number of cells along x. */
  width: number;
  /** Number of cells along y. */
  height: number;
  /** Where the corner of cell (0, 0) lies in the world and how the map is turned, in m. */
  origin: Pose;
}

/** The ontology `MapMetadata`. */
export const MapMetadata: DefinedOntology<MapMetadata> = /* @__PURE__ */ builtin("MapMetadata", () => ({
  map_load_time: nested(Time, "Time (in nanoseconds) at which the map has been loaded."),
  resolution: float32({ description: "Resolution of the map [m/cell]." }),
  width: uint32({ description: "Number of cells representing the width of the map [cells]." }),
  height: uint32({ description: "Number of cells representing the height of the map [cells]." }),
  origin: nested(Pose, "Where the map starts in the real world."),
}));

/** A map of what is free and what is not, in square cells. */
export interface OccupancyGrid extends WithHeader {
  /** Size and place of the map. */
  info: MapMetadata;
  /** Occupancy by cell, along x first from (0, 0): -1 unknown, else 0 free up to 100 occupied, as in ROS. */
  data: Int8Array;
}

/** The ontology `OccupancyGrid`. */
export const OccupancyGrid: DefinedOntology<OccupancyGrid> = /* @__PURE__ */ builtin("OccupancyGrid", () => ({
  ...header(),
  info: nested(MapMetadata, "Info about the map like it's width and height."),
  data: items(int8(), "Occupancy probability: 1 means occupied, 0 means unoccupied and -1 means unkown."),
}));

/** A set of cells of one size, such as obstacles. */
export interface GridCells extends WithHeader {
  /** Width of a cell, in m. */
  cell_width: number;
  /** Height of a cell, in m. */
  cell_height: number;
  /** Centres of the cells, in m. */
  cells: Point3d[];
}

/** The ontology `GridCells`. */
export const GridCells: DefinedOntology<GridCells> = /* @__PURE__ */ builtin("GridCells", () => ({
  ...header(),
  cell_width: float32({ description: "Width of each cell." }),
  cell_height: float32({ description: "Height of each cell." }),
  cells: items(nested(Point3d), "The cell represented by a point at it's center."),
}));

/** A path to follow, without times. */
export interface RobotPath extends WithHeader {
  /** The waypoints in order, in m, all in the frame of the header. */
  poses: Pose[];
}

/** The ontology `RobotPath`. */
export const RobotPath: DefinedOntology<RobotPath> = /* @__PURE__ */ builtin("RobotPath", () => ({
  ...header(),
  poses: items(nested(Pose), "Series of waypoints the robot needs to follow."),
}));
