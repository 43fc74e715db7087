/** Shorthands for filters, in the manner of `hubble observe`: each is a part of an expression. The same one twice: either; different ones: all. */
import { didYouMean, QueryError } from "./errors.ts";
import { parseNetwork } from "./network-test.ts";

/** A shorthand. */
export interface Shorthand {
  readonly name: string;
  /** What its value is, for help. */
  readonly value: string;
  readonly about: string;
  /** The expression for one value. Throws QueryError for a value that cannot be. */
  expression(value: string): string;
}

/** One that was used, and whether `--not` stood before it. */
export interface UsedShorthand {
  readonly name: string;
  readonly value: string;
  readonly not: boolean;
}

const either = (test: (side: string) => string): string => `(${test("from")} || ${test("to")})`;

/** All of them, in the order of the help. */
export const SHORTHANDS: readonly Shorthand[] = [
  side("from", "the side that opened it"),
  side("to", "the side that was called"),
  shorthand("ip", "address|cidr|name", "either side", (value) => either((each) => atEnd(each, value))),
  shorthand("from-port", "port", "port of the side that opened it", (value) => `from.port == ${port(value)}`),
  shorthand("to-port", "port", "port of the side that was called", (value) => `to.port == ${port(value)}`),
  shorthand("port", "port", "port of either side", (value) => either((each) => `${each}.port == ${port(value)}`)),
  shorthand("from-process", "name", "process that opened it; * and ? stand for any", (value) =>
    textTest("from.process", value),
  ),
  shorthand("to-process", "name", "process that was called", (value) => textTest("to.process", value)),
  shorthand("process", "name", "process of either side", (value) =>
    either((each) => textTest(`${each}.process`, value)),
  ),
  shorthand("pid", "pid", "process id of either side", (value) => either((each) => `${each}.pid == ${number(value)}`)),
  shorthand("container", "name|id", "container of either side, by its name or the beginning of its id", (value) =>
    either(
      (each) => `(${textTest(`${each}.containerName`, value)} || ${each}.containerId.startsWith(${quote(value)}))`,
    ),
  ),
  shorthand("image", "image", "image of the container of either side; * and ? stand for any", (value) =>
    either((each) => textTest(`${each}.image`, value)),
  ),
  shorthand("pod", "namespace/name", "Kubernetes pod of either side; * and ? stand for any", (value) =>
    either((each) => textTest(`${each}.pod`, value)),
  ),
  shorthand("unit", "name", "systemd unit of either side; * and ? stand for any", (value) =>
    either((each) => textTest(`${each}.unit`, value)),
  ),
  shorthand("state", "state", "established, closed, failed, …", (value) => `state == ${quote(value)}`),
  shorthand("nat", "kind", "dnat, snat, dnat+snat, redirect, or any", (value) =>
    value === "any" ? "nat != null" : `nat.kind == ${quote(value)}`,
  ),
  shorthand("service", "name", "https, tcp/8080, …", (value) => `service == ${quote(value)}`),
];

/** The expression that all of them come to; undefined without any. Throws QueryError. */
export function shorthandExpression(used: readonly UsedShorthand[]): string | undefined {
  const groups = new Map<string, string[]>();
  for (const { name, value, not } of used) {
    const known = SHORTHANDS.find((each) => each.name === name);
    if (known === undefined) {
      const names = SHORTHANDS.map((each) => each.name);
      throw new QueryError("unknown-field", 1, `there is no shorthand "${name}"${didYouMean(name, names)}`);
    }
    const key = not ? `not ${name}` : name;
    groups.set(key, [...(groups.get(key) ?? []), known.expression(value)]);
  }
  const parts = [...groups].map(([key, tests]) => `${key.startsWith("not ") ? "!" : ""}(${tests.join(" || ")})`);
  return parts.length === 0 ? undefined : parts.join(" && ");
}

function shorthand(name: string, value: string, about: string, expression: Shorthand["expression"]): Shorthand {
  return { name, value, about, expression };
}

function side(name: "from" | "to", about: string): Shorthand {
  return shorthand(name, "address|cidr|name", about, (value) => atEnd(name, value));
}

function atEnd(end: string, value: string): string {
  if (parseNetwork(value) !== undefined) return `cidr(${quote(value)}).containsIP(${end}.address)`;
  if (/^[\d.]+(\/\d*)?$|[:/]/.test(value))
    throw new QueryError("wrong-kind", 1, `expected an address, a network or a name, got "${value}"`);
  return `${end}.names.exists(name, ${textTest("name", value)})`;
}

function textTest(path: string, value: string): string {
  return /[*?]/.test(value) ? `${path}.glob(${quote(value)})` : `${path} == ${quote(value)}`;
}

function port(text: string): number {
  const value = number(text);
  if (value <= 65_535) return value;
  throw new QueryError("wrong-kind", 1, `expected a port from 0 to 65535, got "${text}"`);
}

function number(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new QueryError("wrong-kind", 1, `expected a whole number, got "${text}"`);
}

/** A string literal of CEL. */
function quote(text: string): string {
  return JSON.stringify(text);
}
