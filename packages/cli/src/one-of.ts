/** A parser for options that take one word of a list: a wrong word gets the nearest right one. */
import { InvalidArgumentError } from "commander";
import { closest } from "fastest-levenshtein";

/** Accepts exactly the words of `choices`. */
export function oneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Did you mean "${closest(text, choices)}"? It takes ${choices.join(", ")}.`);
  };
}
