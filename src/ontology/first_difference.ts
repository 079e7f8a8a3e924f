import { type DataType, type FieldSchema, isOptional, plainField, typeName } from "../schema.ts";

/**
 * Why columns cannot be read as the fields that are wanted of them, or undefined where they can: each wanted field is there
 * with values that read alike, or may be missing. What else the columns hold, in which order, and whether they are nullable
 * plays no part.
 */
export function firstDifference(
  columns: readonly FieldSchema[],
  wanted: readonly FieldSchema[],
  path = "",
): string | undefined {
  for (const field of wanted) {
    const place = `${path}${field.name}`;
    const column = columns.find(({ name }) => name === field.name);
    if (!column) {
      if (isOptional(field)) continue;
      return `field "${place}" is missing there, wanted ${shortType(field)}`;
    }
    const difference = differenceAt(column, field, place);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function differenceAt(seen: FieldSchema, wanted: FieldSchema, path: string): string | undefined {
  const [column, field] = [plainField(seen), plainField(wanted)];
  const { kind } = field.type;
  // A column of nothing but nulls.
  if (column.type.kind === "null" && isOptional(field)) return undefined;
  if (readsAs(column.type) !== readsAs(field.type)) {
    return `field "${path}" is ${shortType(column)} there, wanted ${shortType(field)}`;
  }
  if (kind === "struct") return firstDifference(column.children, field.children, `${path}.`);
  if (field.children.length === 0) return undefined;
  return differenceAt(column.children[0], field.children[0], `${path}[]`);
}

/** Plain types whose values read alike have this in common: offsets are a matter of layout, times are integers. */
function readsAs(type: DataType): string {
  switch (type.kind) {
    case "int":
    case "float":
      return typeName({ type, children: [] });
    case "temporal":
      return `int${type.bits}`;
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "fixedBinary":
      return "binary";
    case "fixedList":
      return `list of ${type.size}`;
    default:
      return type.kind;
  }
}

/** A type without what is in it. */
function shortType(field: FieldSchema): string {
  const { kind } = field.type;
  if (kind === "struct") return "a struct";
  if (kind === "fixedList") return `a list of ${field.type.size} items`;
  return kind === "list" || kind === "map" ? `a ${kind}` : typeName(field);
}
