/** Fragments by a small number, each encoded when it is first needed. */
import { type Fragment, fragment } from "./byte-writer.ts";

/** The fragment at an index. */
export type FragmentTable = (index: number) => Fragment;

/** A table of `size` fragments that asks `text` once for each that is needed. */
export function fragmentTable(size: number, text: (index: number) => string): FragmentTable {
  const known = new Array<Fragment | undefined>(size);
  return (index) => {
    const have = known[index];
    if (have !== undefined) return have;
    const made = fragment(text(index));
    known[index] = made;
    return made;
  };
}
