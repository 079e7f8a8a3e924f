/**
 * Time, and the columns that many classes have in common: a measurement's header and its uncertainty.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import { float64, int16, int32, optional, uint32, uint64, utf8 } from "../field.ts";
import { builtin, type FieldsOf, items, nested } from "./table.ts";

/** A point in time: seconds and nanoseconds since the Unix epoch, or since the clock's start. */
export interface Time {
  /** Whole seconds. */
  seconds: number;
  /** Nanoseconds within the second, 0 to 999,999,999. */
  nanoseconds: number;
}

/** The ontology `Time`. */
export const Time: DefinedOntology<Time> = /* @__PURE__ */ builtin("Time", secondsAndNanoseconds);

/** A span of time: seconds and nanoseconds. */
export interface Duration {
  /** Whole seconds, negative for a span backwards. */
  seconds: number;
  /** Nanoseconds on top of the seconds, 0 to 999,999,999. */
  nanoseconds: number;
}

/** The ontology `Duration`. */
export const Duration: DefinedOntology<Duration> = /* @__PURE__ */ builtin("Duration", secondsAndNanoseconds);

/** Where a measurement comes from and when it was made, as the sensor tells. It plays no part in the time order. */
export interface Header {
  /** When the data was measured, by the sensor's clock. */
  timestamp?: Time;
  /** Name of the coordinate frame that the data is given in; missing where it is unknown or there is none. */
  frame_id?: string;
  /** How many samples the sensor has processed so far; never decreases. */
  sample_counter?: bigint;
}

/** The ontology `Header`. */
export const Header: DefinedOntology<Header> = /* @__PURE__ */ builtin("Header", () => ({
  timestamp: optional(nested(Time, "Timestamp representing when the data has been measured")),
  frame_id: optional(
    utf8({ description: "String representing the acquired data reference system name" }),
  ),
  sample_counter: optional(
    uint64({
      description:
        "An optional counter used to track how many samples have been processed. It needs to be monotonically increasing",
    }),
  ),
}));

/** A measurement with a header of its own. */
export interface WithHeader {
  /** The measurement's own time and coordinate frame, and the sensor's count of samples. */
  header?: Header;
}

/** A measurement of several components with the uncertainty of them together. */
export interface WithCovariance {
  /** Covariance matrix, flattened by rows; in the product of its components' units. */
  covariance?: Float64Array;
  /** What the covariance means, by an enumeration of the recording's own (in data from ROS that of its message). */
  covariance_type?: number;
}

/** A measurement of one value with its uncertainty. */
export interface WithVariance {
  /** Variance, in the square of the value's unit. */
  variance?: number;
  /** What the variance means, by an enumeration of the recording's own. */
  variance_type?: number;
}

/** The column of {@linkcode WithHeader}. */
export function header(): FieldsOf<WithHeader> {
  return {
    header: optional(
      nested(Header, "Contains measure metadata like timestamp, reference frame and samples counter."),
    ),
  };
}

/** The columns of {@linkcode WithCovariance}. */
export function covariance(): FieldsOf<WithCovariance> {
  return {
    covariance: optional(items(float64(), "The covariance matrix (flattened) of the data.")),
    covariance_type: optional(
      int16({ description: "Enum integer representing the covariance parameterization." }),
    ),
  };
}

/** The columns of {@linkcode WithVariance}. */
export function variance(): FieldsOf<WithVariance> {
  return {
    variance: optional(float64({ description: "The variacne of the data." })),
    variance_type: optional(
      int16({ description: "Enum integer representing the variance parameterization." }),
    ),
  };
}

function secondsAndNanoseconds(): FieldsOf<Duration> {
  return {
    seconds: int32({ description: "Time in seconds." }),
    nanoseconds: uint32({ description: "Time in nanoseconds." }),
  };
}
