import type { KnownMapping, OntologyMapping } from "./mapping.ts";
import { PX4_ONTOLOGIES } from "./px4_ontologies.ts";
import { ROS_ONTOLOGIES } from "./ros_ontologies.ts";

/** Mappings by the name of a type. */
export type OntologyMappings = Readonly<Record<string, OntologyMapping>>;

/**
 * What messages of a type become: `sensor_msgs/msg/Imu`, `sensor_msgs/Imu`, `vehicle_gps_position`. Undefined of others.
 *
 * @param own Mappings that come before those that are known.
 */
export function ontologyOf(type: string, own: OntologyMappings = {}): KnownMapping | undefined {
  if (Object.hasOwn(own, type)) return own[type];
  const name = type.replace("/msg/", "/");
  if (Object.hasOwn(ROS_ONTOLOGIES, name)) return ROS_ONTOLOGIES[name];
  return Object.hasOwn(PX4_ONTOLOGIES, name) ? PX4_ONTOLOGIES[name] : undefined;
}
