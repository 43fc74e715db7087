/** The functions of an expression: those of CEL that make sense of a connection, and `glob` in place of `matches`. */
import { didYouMean, QueryError } from "./errors.ts";
import { parseNetwork } from "./network-test.ts";
import { describe, mustBe, type Term, unary } from "./term.ts";
import type { Value } from "./value.ts";
import { wildcard } from "./wildcard.ts";

const METHODS = ["startsWith", "endsWith", "contains", "glob", "containsIP", "size", "exists", "all"];
const FUNCTIONS = ["has", "size", "cidr"];

/** `size(x)`, `has(x)`, `cidr("10.0.0.0/8")`. */
export function functionCall(name: string, args: readonly Term[], column: number): Term {
  const [argument] = args;
  if (!FUNCTIONS.includes(name)) throw unknown(name, FUNCTIONS, column);
  if (argument === undefined || args.length > 1) throw arity(name, 1, args.length, column);
  if (name === "has") return unary("flag", column, argument, (value) => value !== null);
  if (name === "size") return size(argument, column);
  const text = literalText(argument, "cidr() takes a network in quotes");
  const network = parseNetwork(text);
  if (network === undefined) {
    throw new QueryError("wrong-kind", argument.column, `expected a network such as 10.0.0.0/8, got "${text}"`);
  }
  return { kind: "network", column, network, bind: () => () => null };
}

/** `from.process.startsWith("java")`, `cidr("10.0.0.0/8").containsIP(to.address)`. */
export function methodCall(name: string, target: Term, args: readonly Term[], column: number): Term {
  if (!METHODS.includes(name)) throw unknown(name, METHODS, column);
  if (name === "size") return size(target, column);
  const [argument] = args;
  if (argument === undefined || args.length > 1) throw arity(name, 1, args.length, column);
  if (name === "containsIP") return containsIp(target, argument, column);
  mustBe(target, ["text", "address"], `${name}() is asked of text`);
  return unary("flag", column, target, textTest(name, literalText(argument, `${name}() takes text in quotes`)));
}

function textTest(name: string, wanted: string): (value: Value) => boolean {
  const fits = name === "glob" ? wildcard(wanted) : plainTest(name, wanted);
  return (value) => typeof value === "string" && fits(value);
}

function plainTest(name: string, wanted: string): (text: string) => boolean {
  if (name === "startsWith") return (text) => text.startsWith(wanted);
  if (name === "endsWith") return (text) => text.endsWith(wanted);
  return (text) => text.includes(wanted);
}

function containsIp({ network, column: at, ...target }: Term, argument: Term, column: number): Term {
  if (network === undefined)
    throw new QueryError(
      "wrong-kind",
      at,
      `containsIP() is asked of cidr("…"), and ${describe({ ...target, column: at })}`,
    );
  const { field } = argument;
  if (field?.kind !== "address") {
    throw new QueryError("wrong-kind", argument.column, `containsIP() takes an address, and ${describe(argument)}`);
  }
  return { kind: "flag", column, bind: (source) => source.inNetwork(field, network) };
}

function size(of: Term, column: number): Term {
  mustBe(of, ["text", "texts"], "size() counts characters or a list");
  return unary("number", column, of, (value) =>
    typeof value === "string" ? [...value].length : ((value as readonly string[] | null)?.length ?? null),
  );
}

function literalText(term: Term, what: string): string {
  if (typeof term.constant === "string") return term.constant;
  throw new QueryError("wrong-kind", term.column, `${what}, and ${describe(term)}`);
}

function unknown(name: string, known: readonly string[], column: number): QueryError {
  const why =
    name === "matches"
      ? "matches() is not offered, for a regular expression can take for ever; glob() takes * and ?"
      : `there is no function ${name}()${didYouMean(name, known)}`;
  return new QueryError("unknown-function", column, why);
}

function arity(name: string, expected: number, got: number, column: number): QueryError {
  return new QueryError(
    "wrong-kind",
    column,
    `${name}() takes ${expected} argument${expected === 1 ? "" : "s"}, got ${got}`,
  );
}
