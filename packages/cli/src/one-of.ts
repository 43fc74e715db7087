/** Parsers that know more of their option than text: those that take one word of a list, and those that collect what is said several times. */
import { InvalidArgumentError, type Option } from "commander";
import { closest, distance } from "fastest-levenshtein";

const choices = new WeakMap<object, readonly string[]>();
const gathering = new WeakSet<object>();

/** Accepts exactly the words of `words`: a wrong one gets the nearest right one. */
export function oneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  const parse = (text: string): T => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    const near = closest(text, words);
    const guess = distance(text, near) <= Math.ceil(near.length / 2) ? `Did you mean "${near}"? ` : "";
    throw new InvalidArgumentError(`${guess}It takes ${words.join(", ")}, not "${text}".`);
  };
  choices.set(parse, words);
  return parse;
}

/** Collects a repeated option into a list. */
export function gather<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  const add = (text: string, before: T[] = []): T[] => [...before, parse(text)];
  const words = choices.get(parse);
  if (words !== undefined) choices.set(add, words);
  gathering.add(add);
  return add;
}

/** The only words that an option takes; undefined: it takes others. */
export function choicesOf({ parseArg }: Option): readonly string[] | undefined {
  return parseArg === undefined ? undefined : choices.get(parseArg);
}

/** True for an option that may be given several times, for a list. */
export function isGathering({ parseArg }: Option): boolean {
  return parseArg !== undefined && gathering.has(parseArg);
}
