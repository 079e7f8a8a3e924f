/**
 * One value to a message: for signals that need no more than a number, a flag or a text.
 *
 * @module
 */
import type { DefinedOntology } from "../define_ontology.ts";
import {
  bool,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint16,
  uint32,
  uint64,
  uint8,
  utf8,
} from "../field.ts";
import { builtin } from "./table.ts";

/** A flag. */
export interface Boolean {
  /** The flag. */
  data: boolean;
}

/** The ontology `Boolean`. */
export const Boolean: DefinedOntology<Boolean> = /* @__PURE__ */ builtin("Boolean", () => ({
  data: bool({ description: "Boolean data." }),
}));

/** A text. */
export interface String {
  /** The text. */
  data: string;
}

/** The ontology `String`. */
export const String: DefinedOntology<String> = /* @__PURE__ */ builtin("String", () => ({
  data: utf8({ description: "String data." }),
}));

/** A signed integer of 8 bits. */
export interface Integer8 {
  /** The integer, from -2^7 to 2^7 - 1. */
  data: number;
}

/** The ontology `Integer8`. */
export const Integer8: DefinedOntology<Integer8> = /* @__PURE__ */ builtin("Integer8", () => ({
  data: int8({ description: "8-bit Integer data." }),
}));

/** A signed integer of 16 bits. */
export interface Integer16 {
  /** The integer, from -2^15 to 2^15 - 1. */
  data: number;
}

/** The ontology `Integer16`. */
export const Integer16: DefinedOntology<Integer16> = /* @__PURE__ */ builtin("Integer16", () => ({
  data: int16({ description: "16-bit Integer data." }),
}));

/** A signed integer of 32 bits. */
export interface Integer32 {
  /** The integer, from -2^31 to 2^31 - 1. */
  data: number;
}

/** The ontology `Integer32`. */
export const Integer32: DefinedOntology<Integer32> = /* @__PURE__ */ builtin("Integer32", () => ({
  data: int32({ description: "32-bit Integer data." }),
}));

/** A signed integer of 64 bits. */
export interface Integer64 {
  /** The integer, from -2^63 to 2^63 - 1. */
  data: bigint;
}

/** The ontology `Integer64`. */
export const Integer64: DefinedOntology<Integer64> = /* @__PURE__ */ builtin("Integer64", () => ({
  data: int64({ description: "64-bit Integer data." }),
}));

/** An unsigned integer of 8 bits. */
export interface Unsigned8 {
  /** The integer, from 0 to 2^8 - 1. */
  data: number;
}

/** The ontology `Unsigned8`. */
export const Unsigned8: DefinedOntology<Unsigned8> = /* @__PURE__ */ builtin("Unsigned8", () => ({
  data: uint8({ description: "8-bit Unsigned data." }),
}));

/** An unsigned integer of 16 bits. */
export interface Unsigned16 {
  /** The integer, from 0 to 2^16 - 1. */
  data: number;
}

/** The ontology `Unsigned16`. */
export const Unsigned16: DefinedOntology<Unsigned16> = /* @__PURE__ */ builtin("Unsigned16", () => ({
  data: uint16({ description: "16-bit Unsigned data." }),
}));

/** An unsigned integer of 32 bits. */
export interface Unsigned32 {
  /** The integer, from 0 to 2^32 - 1. */
  data: number;
}

/** The ontology `Unsigned32`. */
export const Unsigned32: DefinedOntology<Unsigned32> = /* @__PURE__ */ builtin("Unsigned32", () => ({
  data: uint32({ description: "32-bit Unsigned data." }),
}));

/** An unsigned integer of 64 bits. */
export interface Unsigned64 {
  /** The integer, from 0 to 2^64 - 1. */
  data: bigint;
}

/** The ontology `Unsigned64`. */
export const Unsigned64: DefinedOntology<Unsigned64> = /* @__PURE__ */ builtin("Unsigned64", () => ({
  data: uint64({ description: "64-bit Unsigned data." }),
}));

/** A floating-point number of 16 bits. */
export interface Floating16 {
  /** The number, in IEEE 754 half precision. */
  data: number;
}

/** The ontology `Floating16`. */
export const Floating16: DefinedOntology<Floating16> = /* @__PURE__ */ builtin("Floating16", () => ({
  data: float16({ description: "16-bit Floating-point data." }),
}));

/** A floating-point number of 32 bits. */
export interface Floating32 {
  /** The number, in IEEE 754 single precision. */
  data: number;
}

/** The ontology `Floating32`. */
export const Floating32: DefinedOntology<Floating32> = /* @__PURE__ */ builtin("Floating32", () => ({
  data: float32({ description: "32-bit Floating-point data." }),
}));

/** A floating-point number of 64 bits. */
export interface Floating64 {
  /** The number, in IEEE 754 double precision. */
  data: number;
}

/** The ontology `Floating64`. */
export const Floating64: DefinedOntology<Floating64> = /* @__PURE__ */ builtin("Floating64", () => ({
  data: float64({ description: "64-bit Floating-point data." }),
}));
