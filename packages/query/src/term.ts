/** A checked part of an expression: what it gives is known before any row is. */
import type { Source } from "./bound.ts";
import { didYouMean, QueryError } from "./errors.ts";
import type { Field } from "./fields.ts";
import type { Network } from "./network-test.ts";
import type { Kind, Value } from "./value.ts";

/** A part of an expression. */
export interface Term {
  readonly kind: Kind | "null" | "network";
  /** Where it stands, from 1. */
  readonly column: number;
  /** The field, when it is one. */
  readonly field?: Field;
  /** Its value, when it does not depend on the row. */
  readonly constant?: Value;
  readonly network?: Network;
  /** How to read it from rows of a source. */
  bind<R>(source: Source<R>): (row: R) => Value;
}

/** A term that is the same for every row. */
export function constant(kind: Term["kind"], column: number, value: Value): Term {
  return { kind, column, constant: value, bind: () => () => value };
}

/** A field's value. */
export function fieldTerm(field: Field, column: number): Term {
  return { kind: field.kind, column, field, bind: (source) => source.value(field) };
}

/** A term of one operand. */
export function unary(kind: Kind, column: number, of: Term, apply: (value: Value) => Value): Term {
  return {
    kind,
    column,
    bind: (source) => {
      const read = of.bind(source);
      return (row) => apply(read(row));
    },
  };
}

/** A term of two operands. */
export function binary(kind: Kind, column: number, a: Term, b: Term, apply: (a: Value, b: Value) => Value): Term {
  return {
    kind,
    column,
    bind: (source) => {
      const [left, right] = [a.bind(source), b.bind(source)];
      return (row) => apply(left(row), right(row));
    },
  };
}

/** Throws QueryError unless the term is of one of the kinds. */
export function mustBe(term: Term, kinds: readonly Term["kind"][], what: string): void {
  if (kinds.includes(term.kind)) return;
  throw new QueryError("wrong-kind", term.column, `${what}, and ${describe(term)}`);
}

/** `to.port is a number`: what a term is, in words. */
export function describe({ field, kind, constant: value }: Term): string {
  const subject = field?.path ?? (value === undefined ? "this" : JSON.stringify(value));
  return `${subject} is ${IN_WORDS[kind]}`;
}

const IN_WORDS: Readonly<Record<Term["kind"], string>> = {
  text: "text",
  number: "a number",
  flag: "true or false",
  texts: "a list of texts",
  time: "a time",
  address: "an address",
  part: "a part with members",
  null: "null",
  network: "a network",
};

/** Refuses a word that a field can never hold. */
export function checkWord(field: Field | undefined, word: Term): void {
  const { constant: value } = word;
  if (field?.words === undefined || typeof value !== "string" || field.words.includes(value)) return;
  throw new QueryError(
    "unknown-word",
    word.column,
    `${field.path} is never "${value}"${didYouMean(value, field.words)}`,
  );
}
