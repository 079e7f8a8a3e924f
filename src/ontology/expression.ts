/**
 * What a query asks for, put together by method calls. Data alone: what answers it is elsewhere.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type TimestampNs, toNs } from "../timestamp.ts";

/** A value that a condition compares with. */
export type QueryOperand = number | bigint | string | boolean;

/** What a condition is about. */
export type QueryScope = "sequence" | "topic" | "ontology";

/** One condition: an operator of Mosaico's query grammar on one path. */
export interface Term {
  readonly scope: QueryScope;
  /** Whether the path leads into metadata. */
  readonly isMetadata: boolean;
  readonly path: string;
  readonly operator: string;
  readonly operand: QueryOperand | readonly QueryOperand[] | null;
}

/** Alternatives that a query may have: each is a query of its own. */
const MOST_ALTERNATIVES = 64;

/** Operators that hold where others do not. `$nmatch` and `$nin` are smalti's own. */
const OPPOSITES: Readonly<Record<string, string>> = {
  $eq: "$neq",
  $lt: "$geq",
  $leq: "$gt",
  $between: "$outside",
  $in: "$nin",
  $match: "$nmatch",
  $ex: "$nex",
};
const OPPOSITE: ReadonlyMap<string, string> = new Map(
  Object.entries(OPPOSITES).flatMap(([a, b]) => [[a, b], [b, a]]),
);

/**
 * A condition, or several by `and`, `or` and `not`. Made by `GPS.q`, `sequenceQ` and `topicQ`; never changed. A condition
 * on a value that is missing does not hold, and its opposite does not either; nor do those on NaN, but for "not equal".
 */
export class QueryExpression {
  /** @internal Alternatives, in each of which all has to hold. */
  readonly alternatives: readonly (readonly Term[])[];

  /** @internal Use `GPS.q`, `sequenceQ` or `topicQ`. */
  constructor(alternatives: readonly (readonly Term[])[]) {
    if (alternatives.length > MOST_ALTERNATIVES) {
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot query ${alternatives.length} alternatives at once: wanted at most ${MOST_ALTERNATIVES}`,
      );
    }
    this.alternatives = alternatives;
  }

  /** Both hold; conditions on fields, in one row. TOO_LARGE beyond 64 alternatives. */
  and(other: QueryExpression): QueryExpression {
    return new QueryExpression(this.alternatives.flatMap((a) => other.alternatives.map((b) => [...a, ...b])));
  }

  /** One of them holds, or both. */
  or(other: QueryExpression): QueryExpression {
    return new QueryExpression([...this.alternatives, ...other.alternatives]);
  }

  /**
   * It does not hold: every condition becomes its opposite, so in one row where it is about fields. UNSUPPORTED for `eq` of
   * a whole list.
   */
  not(): QueryExpression {
    return this.alternatives
      .map((terms) => new QueryExpression(terms.map((term) => [opposite(term)])))
      .reduce((all, next) => all.and(next));
  }
}

function opposite(term: Term): Term {
  if (term.operator === "$eq" && Array.isArray(term.operand)) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot query "${term.path}": not of a whole list cannot be asked for`,
    );
  }
  // What not any item does, all do not.
  const path = term.isMetadata
    ? term.path
    : term.path.replace(/\[[?!]\]/, (all) => all === "[?]" ? "[!]" : "[?]");
  return { ...term, path, operator: OPPOSITE.get(term.operator)! };
}

/** Where a condition looks. */
type Place = Pick<Term, "scope" | "isMetadata" | "path">;

/** Makes conditions on one path. */
export class PathQuery {
  readonly #at: Place;

  constructor(at: Place) {
    this.#at = at;
  }

  /** The value is this one. */
  eq(value: QueryOperand | readonly QueryOperand[]): QueryExpression {
    return this.#term("$eq", value);
  }

  /** The value is another one. */
  neq(value: QueryOperand): QueryExpression {
    return this.#term("$neq", value);
  }

  /** The value is less. */
  lt(value: QueryOperand): QueryExpression {
    return this.#term("$lt", value);
  }

  /** The value is less, or this one. */
  leq(value: QueryOperand): QueryExpression {
    return this.#term("$leq", value);
  }

  /** The value is greater. */
  gt(value: QueryOperand): QueryExpression {
    return this.#term("$gt", value);
  }

  /** The value is greater, or this one. */
  geq(value: QueryOperand): QueryExpression {
    return this.#term("$geq", value);
  }

  /** The value lies between these, both inclusive. */
  between(min: QueryOperand, max: QueryOperand): QueryExpression {
    return this.#term("$between", [min, max]);
  }

  /** The value is less than `min` or greater than `max`. */
  outside(min: QueryOperand, max: QueryOperand): QueryExpression {
    return this.#term("$outside", [min, max]);
  }

  /** The value is one of these. */
  in(values: readonly QueryOperand[]): QueryExpression {
    return this.#term("$in", values);
  }

  /** The whole text matches a pattern: `*` any characters, `?` one, `#` a digit, `[a-c]` one of these. */
  match(pattern: string): QueryExpression {
    return this.#term("$match", pattern);
  }

  /** There is a value. */
  exists(): QueryExpression {
    return this.#term("$ex", null);
  }

  #term(operator: string, operand: Term["operand"]): QueryExpression {
    return new QueryExpression([[{ ...this.#at, operator, operand }]]);
  }
}

/** Makes conditions on a time. TypeError and RangeError for what is none. */
export function timeQuery(at: Place): TimeQuery {
  const query = new PathQuery(at);
  const ns = (time: TimestampNs) => toNs(time, at.path, "Cannot query");
  return {
    eq: (time) => query.eq(ns(time)),
    neq: (time) => query.neq(ns(time)),
    lt: (time) => query.lt(ns(time)),
    leq: (time) => query.leq(ns(time)),
    gt: (time) => query.gt(ns(time)),
    geq: (time) => query.geq(ns(time)),
    between: (min, max) => query.between(ns(min), ns(max)),
    outside: (min, max) => query.outside(ns(min), ns(max)),
    in: (times) => query.in(times.map(ns)),
  };
}

/** Conditions on a value that is or is not another. */
export type EqualityQuery<V> = {
  /** The value is this one. */
  eq(value: V): QueryExpression;
  /** The value is another one. */
  neq(value: V): QueryExpression;
};

/** Conditions on a value that has an order. */
export type OrderQuery<V> = EqualityQuery<V> & {
  /** The value is less. */
  lt(value: V): QueryExpression;
  /** The value is less, or this one. */
  leq(value: V): QueryExpression;
  /** The value is greater. */
  gt(value: V): QueryExpression;
  /** The value is greater, or this one. */
  geq(value: V): QueryExpression;
  /** The value lies between these, both inclusive. INVALID_ARGUMENT from the query where `min` is above `max`. */
  between(min: V, max: V): QueryExpression;
  /** The value is less than `min` or greater than `max`. */
  outside(min: V, max: V): QueryExpression;
  /** The value is one of these, 1 to 1024. */
  in(values: readonly V[]): QueryExpression;
};

/** Conditions on a time. */
export type TimeQuery = OrderQuery<TimestampNs>;

/** Conditions on text. */
export type TextQuery = OrderQuery<string> & {
  /** The whole text matches a pattern: `*` any characters, `?` one, `#` a digit, `[a-c]` one of these. */
  match(pattern: string): QueryExpression;
};
