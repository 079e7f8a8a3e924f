/**
 * A machine's own state: joints, battery, and the hands that steer it.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { bool, float32, float64, int32, optional, uint8, utf8 } from "../field.ts";
import { header, type WithHeader } from "./header.ts";
import { builtin, items } from "./table.ts";

/** The joints of a robot at one time: item `i` of every list belongs to joint `names[i]`. */
export interface RobotJoint extends WithHeader {
  /** Names of the joints. */
  names: string[];
  /** Positions, in rad, or m for a joint that slides. */
  positions: Float64Array;
  /** Velocities, in rad/s, or m/s for a joint that slides. */
  velocities: Float64Array;
  /** Efforts, in N m, or N for a joint that slides. */
  efforts: Float64Array;
}

/** The ontology `RobotJoint`. */
export const RobotJoint: DefinedOntology<RobotJoint> = /* @__PURE__ */ builtin("RobotJoint", () => ({
  ...header(),
  names: items(utf8(), "Names of the different robot joints"),
  positions: items(float64(), "Positions ([rad] or [m]) of the different robot joints"),
  velocities: items(float64(), "Velocities ([rad/s] or [m/s]) of the different robot joints"),
  efforts: items(float64(), "Efforts ([N] or [N*m]) applied to the different robot joints"),
}));

/** A joystick or gamepad. */
export interface Joy extends WithHeader {
  /** Positions of the axes, from -1 to 1 by custom. */
  axes: Float32Array;
  /** Buttons: 1 pressed, 0 not. */
  buttons: Int32Array;
}

/** The ontology `Joy`. */
export const Joy: DefinedOntology<Joy> = /* @__PURE__ */ builtin("Joy", () => ({
  ...header(),
  axes: items(float32(), "The axes measurements from a joystick."),
  buttons: items(int32(), "The buttons measurements from a joystick."),
}));

/** A battery; `sensor_msgs/msg/BatteryState` in ROS, whose codes it uses. */
export interface BatteryState extends WithHeader {
  /** Voltage, in V. */
  voltage: number;
  /** Temperature, in degrees Celsius. */
  temperature?: number;
  /** Current, in A; negative while discharging. */
  current?: number;
  /** Charge now, in Ah. */
  charge?: number;
  /** Charge when last full, in Ah. */
  capacity?: number;
  /** Charge when full and new, in Ah. */
  design_capacity?: number;
  /** Charge in % of the capacity. The SDK imports it from ROS unconverted, from 0 to 1. */
  percentage: number;
  /** What it does: 0 unknown, 1 charging, 2 discharging, 3 not charging, 4 full. */
  power_supply_status: number;
  /**
   * How it is: 0 unknown, 1 good, 2 overheated, 3 dead, 4 overvoltage, 5 unspecified failure, 6 cold, 7 watchdog
   * timer expired, 8 safety timer expired.
   */
  power_supply_health: number;
  /** Chemistry: 0 unknown, 1 NiMH, 2 Li-ion, 3 LiPo, 4 LiFe, 5 NiCd, 6 LiMn. */
  power_supply_technology: number;
  /** Whether it is there. */
  present: boolean;
  /** Where it is, such as its slot. */
  location: string;
  /** Its serial number. */
  serial_number: string;
  /** Voltages of the cells, in V. */
  cell_voltage?: Float32Array;
  /** Temperatures of the cells, in degrees Celsius. */
  cell_temperature?: Float32Array;
}

/** The ontology `BatteryState`. */
export const BatteryState: DefinedOntology<BatteryState> = /* @__PURE__ */ builtin("BatteryState", () => ({
  ...header(),
  voltage: float32({ description: "The battery voltage in V." }),
  temperature: optional(float32({ description: "The battery temperature in °C" })),
  current: optional(float32({ description: "Optional battery charge in A." })),
  charge: optional(float32({ description: "Optional battery charge in Ah." })),
  capacity: optional(float32({ description: "Optional batterty capacity in Ah." })),
  design_capacity: optional(float32({ description: "Optional battery design capacity in Ah." })),
  percentage: float32({ description: "Battery percentage in %." }),
  power_supply_status: uint8({ description: "The charging status." }),
  power_supply_health: uint8({ description: "The battery health." }),
  power_supply_technology: uint8({ description: "The battery technology." }),
  present: bool({ description: "Battery presence." }),
  location: utf8({ description: "Battery location (like the slot)." }),
  serial_number: utf8({ description: "Battery serial number." }),
  cell_voltage: optional(items(float32(), "Battery cells voltage.")),
  cell_temperature: optional(items(float32(), "Battery cells temperature.")),
}));
