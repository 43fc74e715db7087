/** What groups are told apart by: a field, or a word that both ends have and that makes a pair of them. */
import type { Source } from "./bound.ts";
import type { Field, Fields } from "./fields.ts";
import type { Value } from "./value.ts";

/** One key of a grouping. */
export interface GroupKey {
  readonly name: string;
  bind<R>(source: Source<R>): (row: R) => Value;
}

/** What each word looks at, the best first; the first that is known names the end. */
const LADDERS = {
  process: ["process", "names", "address"],
  container: ["containerName", "containerId", "process", "names", "address"],
  name: ["names", "address"],
  address: ["address"],
} as const;

/** Words that make a pair of both ends. */
export const PAIR_WORDS: readonly string[] = Object.keys(LADDERS);

/** A field as a key. */
export function fieldKey(field: Field): GroupKey {
  return { name: field.path, bind: (source) => source.value(field) };
}

/** Who and whom by a word; undefined for a word that makes no pair. `from.process` alone is a field. */
export function pairKeys(word: string, fields: Fields): GroupKey[] | undefined {
  if (!Object.hasOwn(LADDERS, word)) return undefined;
  return (["from", "to"] as const).map((side) => endKey(side, LADDERS[word as keyof typeof LADDERS], fields));
}

function endKey(side: "from" | "to", ladder: readonly string[], fields: Fields): GroupKey {
  return {
    name: side,
    bind: (source) => {
      const readers = ladder.map((member) => source.value(fields.get(`${side}.${member}`)!));
      return (row) => {
        for (const read of readers) {
          const value = read(row);
          const best = typeof value === "object" && value !== null ? (value[0] ?? null) : value;
          if (best !== null) return best;
        }
        return null;
      };
    },
  };
}
