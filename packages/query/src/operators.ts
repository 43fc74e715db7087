/** What the operators of an expression mean: equality, order, membership, arithmetic. Null is equal to null alone, and comes neither before nor after anything. */
import { QueryError } from "./errors.ts";
import { parseIso } from "./iso-time.ts";
import { parseNetwork } from "./network-test.ts";
import { binary, checkWord, constant, describe, mustBe, type Term } from "./term.ts";
import { isLess, type Value } from "./value.ts";

/** `a == b`, or with `wanted` false `a != b`. */
export function equality(column: number, left: Term, right: Term, wanted: boolean): Term {
  const [a, b] = [matched(left, right), matched(right, left)];
  if (a.kind !== b.kind && a.kind !== "null" && b.kind !== "null") {
    throw new QueryError("wrong-kind", right.column, `cannot compare: ${describe(left)}, ${describe(right)}`);
  }
  checkWord(a.field, b);
  checkWord(b.field, a);
  return sameAddress(column, a, b, wanted) ?? sameAddress(column, b, a, wanted) ?? plainEquality(column, a, b, wanted);
}

function plainEquality(column: number, a: Term, b: Term, wanted: boolean): Term {
  if (b.constant !== undefined && typeof b.constant !== "object") return against(column, a, b.constant, wanted);
  return binary("flag", column, a, b, (x, y) => same(x, y) === wanted);
}

/** The usual case: something against a literal. */
function against(column: number, of: Term, literal: Value, wanted: boolean): Term {
  return {
    kind: "flag",
    column,
    bind: (source) => {
      const read = of.bind(source);
      return (row) => (read(row) === literal) === wanted;
    },
  };
}

/** An address against a literal one: by its bytes, however it is written. */
function sameAddress(column: number, a: Term, b: Term, wanted: boolean): Term | undefined {
  const { field } = a;
  const network = typeof b.constant === "string" && !b.constant.includes("/") ? parseNetwork(b.constant) : undefined;
  if (field?.kind !== "address" || network === undefined) return undefined;
  return {
    kind: "flag",
    column,
    bind: (source) => {
      const inside = source.inNetwork(field, network);
      return (row) => inside(row) === wanted;
    },
  };
}

function same(a: Value, b: Value): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

/** A literal as what it is compared with: a text beside a time is a time, beside an address an address. */
function matched(term: Term, other: Term): Term {
  if (typeof term.constant !== "string" || term.kind !== "text") return term;
  if (other.kind === "time") {
    const time = parseIso(term.constant);
    if (time !== undefined) return constant("time", term.column, time);
    throw new QueryError(
      "wrong-kind",
      term.column,
      `${describe(other)} such as "2026-01-31T12:00:00Z", and "${term.constant}" is none`,
    );
  }
  if (other.kind !== "address") return term;
  if (parseNetwork(term.constant) !== undefined && !term.constant.includes("/")) {
    return constant("address", term.column, term.constant);
  }
  const remedy = term.constant.includes("/")
    ? `; a network is asked for with cidr("${term.constant}").containsIP(…)`
    : "";
  throw new QueryError("wrong-kind", term.column, `${describe(other)}, and "${term.constant}" is none${remedy}`);
}

/** `a < b` and its kin. */
export function order(column: number, operator: "<" | "<=" | ">" | ">=", left: Term, right: Term): Term {
  const [a, b] = [matched(left, right), matched(right, left)];
  for (const each of [a, b]) mustBe(each, ["number", "text", "time"], `"${operator}" orders numbers, texts and times`);
  if (a.kind !== b.kind) {
    throw new QueryError("wrong-kind", right.column, `cannot compare: ${describe(left)}, ${describe(right)}`);
  }
  const before = operator === "<" || operator === "<=";
  const orEqual = operator.endsWith("=");
  return binary("flag", column, a, b, (x, y) => {
    const [small, large] = before ? [x, y] : [y, x];
    return isLess(small, large) || (orEqual && x !== null && x === y);
  });
}

/** `"x" in from.names`. A literal list is unrolled by whoever calls. */
export function membership(column: number, item: Term, list: Term): Term {
  mustBe(list, ["texts"], '"in" looks into a list');
  mustBe(item, ["text"], `${describe(list)}`);
  checkWord(list.field, item);
  return binary("flag", column, item, list, (value, values) => (values as readonly string[]).includes(value as string));
}

/** Arithmetic on numbers; with null it gives null. */
export function arithmetic(column: number, operator: "+" | "-" | "*" | "/" | "%", a: Term, b: Term): Term {
  for (const each of [a, b]) mustBe(each, ["number"], `"${operator}" takes numbers`);
  const apply = ARITHMETIC[operator];
  return binary("number", column, a, b, (x, y) => {
    const result = typeof x === "number" && typeof y === "number" ? apply(x, y) : Number.NaN;
    return Number.isFinite(result) ? result : null;
  });
}

const ARITHMETIC = {
  "+": (a: number, b: number): number => a + b,
  "-": (a: number, b: number): number => a - b,
  "*": (a: number, b: number): number => a * b,
  "/": (a: number, b: number): number => a / b,
  "%": (a: number, b: number): number => a % b,
} as const;
