/**
 * Conditions on sequences and topics, and what a query is made of.
 *
 * @module
 */
import {
  type EqualityQuery,
  type OrderQuery,
  PathQuery,
  QueryExpression,
  type QueryOperand,
  type QueryScope,
  type Term,
  type TextQuery,
  type TimeQuery,
  timeQuery,
} from "../ontology/expression.ts";
import type { QueryObject, QueryValue } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";

/** What `client.query` asks for; all of it has to hold. */
export interface QueryRequest {
  /** Conditions of `sequenceQ`. @default none */
  sequence?: QueryExpression;
  /** Conditions of `topicQ`. @default none */
  topic?: QueryExpression;
  /**
   * Conditions of ontologies' `q`, such as `GPS.q`. A topic matches that has one row where all on its ontology hold; a
   * sequence, that has a topic for each ontology. @default none
   */
  ontology?: QueryExpression;
}

/** Conditions on metadata at a path. */
export interface MetadataQuery
  extends Pick<TextQuery, "match">, Omit<OrderQuery<number | bigint | string>, "eq" | "neq"> {
  /** The value is this one. */
  eq: EqualityQuery<QueryOperand>["eq"];
  /** The value is another one. */
  neq: EqualityQuery<QueryOperand>["neq"];
  /** There is a value at the path. */
  exists(): QueryExpression;
}

/** Conditions on a name. */
export type NameQuery = Pick<TextQuery, "eq" | "neq" | "in" | "match">;

/** Conditions on when something was created. */
export type CreatedQuery = Pick<TimeQuery, "lt" | "leq" | "gt" | "geq" | "between">;

/** Conditions on what sequences and topics share. */
export interface FactsQuery {
  /** The name; a topic's without a leading `/`. */
  readonly name: NameQuery;
  /** When it was created, in ns since 1970. */
  readonly createdNs: CreatedQuery;
  /**
   * Metadata at a path: keys with dots between, `*` for any key, `**` for any number of them, `[2]` for an item of a list,
   * `[*]` for any. It matches where one of the values there does; with `not`, where one does not.
   */
  metadata(path: string): MetadataQuery;
}

/** Conditions on topics. */
export interface TopicQuery extends FactsQuery {
  /** The tag of its ontology. */
  readonly ontologyTag: NameQuery;
}

/** Conditions on sequences, for `client.query({ sequence })`. */
export const sequenceQ: FactsQuery = {
  name: fact("sequence", "name"),
  createdNs: timeQuery({ scope: "sequence", isMetadata: false, path: "created_at_ns" }),
  metadata: (path) => metadata("sequence", path),
};

/** Conditions on topics, for `client.query({ topic })`. */
export const topicQ: TopicQuery = {
  name: {
    eq: (name) => topicName.eq(wireName(name)),
    neq: (name) => topicName.neq(wireName(name)),
    in: (names) => topicName.in(names.map(wireName)),
    match: (pattern) => topicName.match(wireName(pattern)),
  },
  createdNs: timeQuery({ scope: "topic", isMetadata: false, path: "created_at_ns" }),
  ontologyTag: fact("topic", "ontology_tag"),
  metadata: (path) => metadata("topic", path),
};

const topicName = fact("topic", "name");

/** The wire's topic names begin with a `/`. */
function wireName(name: string): string {
  return name.startsWith("/") ? name : `/${name}`;
}

function fact(scope: QueryScope, path: string): PathQuery {
  return new PathQuery({ scope, isMetadata: false, path });
}

function metadata(scope: QueryScope, path: string): MetadataQuery {
  return new PathQuery({ scope, isMetadata: true, path });
}

const QUERY_REQUEST: OptionNames<QueryRequest> = { sequence: true, topic: true, ontology: true };

/**
 * A request as bodies of the `query` action; what one of them finds matches. TypeError where an expression stands at the
 * wrong place.
 */
export function queryBodies(request: QueryRequest): QueryObject[] {
  checkOptions(request, QUERY_REQUEST, "Cannot query", "condition");
  let all: QueryExpression | undefined;
  for (const scope of ["sequence", "topic", "ontology"] as const) {
    const expression = request[scope];
    if (expression === undefined) continue;
    check(scope, expression);
    all = all?.and(expression) ?? expression;
  }
  return (all?.alternatives ?? []).map(bodyOf);
}

function check(scope: QueryScope, expression: QueryExpression): void {
  if (!(expression instanceof QueryExpression)) {
    throw new TypeError(`Cannot query: ${scope} is no expression, such as sequenceQ.name.match("drive_*")`);
  }
  const stray = expression.alternatives.flat().find((term) => term.scope !== scope);
  if (!stray) return;
  throw new TypeError(
    `Cannot query: ${scope} has a condition on "${stray.path}", wanted it under ${stray.scope}`,
  );
}

function bodyOf(terms: readonly Term[]): QueryObject {
  const body: Record<string, Record<string, QueryValue>> = {};
  for (const term of terms) {
    const { scope, isMetadata, path } = term;
    const place = (body[scope] ??= {});
    const own = terms.filter((other) =>
      other.scope === scope && other.isMetadata === isMetadata && other.path === path
    );
    if (isMetadata) place.user_metadata = { ...place.user_metadata as QueryObject, [path]: conditionOf(own) };
    else place[path] = conditionOf(own);
  }
  return body;
}

/** Conditions on one path as one: a range where they are its ends, which every server knows. */
function conditionOf(terms: readonly Term[]): QueryObject {
  const conditions = terms.map(({ operator, operand }): QueryObject => ({ [operator]: operand }));
  if (terms.length === 1) return conditions[0];
  const [low, high] = ["$geq", "$leq"].map((operator) =>
    terms.find((term) => term.operator === operator)?.operand
  );
  // Where a path leads to several values they need not be of one.
  const isOne = !/[*?![]/.test(terms[0].path);
  const isRange = isOne && terms.length === 2 && typeof low === typeof high && low !== undefined &&
    low! <= high!;
  return isRange ? { $between: [low!, high!] } as QueryObject : { $all: conditions };
}
