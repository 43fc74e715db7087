/** What could stand at the cursor of a filter. */
import type { Info } from "./feed.ts";

/** A word, and what it means. */
export interface Choice {
  readonly text: string;
  readonly about: string;
}

const MOST_CHOICES = 8;

const FUNCTIONS: readonly Choice[] = [
  { text: 'cidr("10.0.0.0/8").containsIP(to.address)', about: "an address in a network" },
  { text: "has(nat)", about: "there is one" },
];

/** The choices for the word that ends at `caret`, and where it begins. After `state ==` the words that the field can hold. */
export function choicesFor(
  text: string,
  caret: number,
  fields: Info["fields"],
): { readonly choices: readonly Choice[]; readonly begin: number } {
  const before = text.slice(0, caret);
  const [, path, , typed = ""] = /([A-Za-z][\w.]*)\s*(==|!=)\s*("?[\w+-]*)$/.exec(before) ?? [];
  const words = fields.find((each) => each.path === path)?.words;
  if (words !== undefined) {
    const bare = typed.replace('"', "");
    const choices = words.filter((word) => word.startsWith(bare) && word !== bare);
    return {
      choices: choices.slice(0, MOST_CHOICES).map((word) => ({ text: `"${word}"`, about: "" })),
      begin: caret - typed.length,
    };
  }
  const [word = ""] = /[A-Za-z][\w.]*$/.exec(before) ?? [];
  if (word === "" && before.trim() !== "" && !/[(!&|,]\s*$/.test(before)) return { choices: [], begin: caret };
  const all = [...fields.map(({ path: text, about }) => ({ text, about })), ...FUNCTIONS];
  const fits = all.filter(({ text: each }) => each.startsWith(word) && each !== word);
  const inside = word === "" ? [] : all.filter(({ text: each }) => !each.startsWith(word) && each.includes(`.${word}`));
  return { choices: [...fits, ...inside].slice(0, MOST_CHOICES), begin: caret - word.length };
}
