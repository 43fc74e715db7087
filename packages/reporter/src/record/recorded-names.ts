/** A source of names that remembers what it answered, so that a recording can hold the names as they were attached. */

import type { NameAnswer } from "@conntrail/capture";
import { ADDRESS_WORDS, type NameInquiry } from "@conntrail/model";
import type { NameSource } from "@conntrail/stages";

/** Addresses whose answers are remembered. Beyond it all are forgotten and told again: a reader takes that for what it is. */
const MAX_ANSWERS = 65_536;

const NO_NAMES: readonly string[] = [];

/** A source between the stage and the resolver. */
export interface RecordedNames extends NameSource {
  /** Answers that are new, or other than before, since the last call. */
  takeChanges(): NameAnswer[];
  /** Everything answered so far, as it is now. */
  all(): NameAnswer[];
}

/** Wraps `source`. */
export function recordNames(source: NameSource): RecordedNames {
  const known = new Map<string, NameAnswer>();
  let changes: NameAnswer[] = [];
  return {
    get(words, offset) {
      const names = source.get(words, offset);
      const key = `${words[offset]},${words[offset + 1]},${words[offset + 2]},${words[offset + 3]}`;
      const before = known.get(key);
      const inquiry = names === undefined ? begun(source.inquiry?.(words, offset)) : undefined;
      if (!sameNames(before?.names ?? NO_NAMES, names ?? NO_NAMES) || !sameInquiry(before?.inquiry, inquiry)) {
        if (known.size >= MAX_ANSWERS) known.clear();
        const address = words.slice(offset, offset + ADDRESS_WORDS);
        const answer = { address, names: names ?? NO_NAMES, ...(inquiry && { inquiry }) };
        known.set(key, answer);
        changes.push(answer);
      }
      return names;
    },
    health: () => source.health(),
    inquiry: (words, offset) => source.inquiry?.(words, offset),
    ownPorts: () => source.ownPorts?.() ?? [],
    takeChanges() {
      const taken = changes;
      changes = [];
      return taken;
    },
    all: () => [...known.values()],
  };
}

/** What a file keeps of it: nothing of a question that only waits for its turn. */
function begun(inquiry: NameInquiry | undefined): NameInquiry | undefined {
  return inquiry?.outcome === "waiting" && inquiry.queries === 0 ? undefined : inquiry;
}

function sameInquiry(a: NameInquiry | undefined, b: NameInquiry | undefined): boolean {
  return a === b || (a?.outcome === b?.outcome && a?.failure === b?.failure && a?.queries === b?.queries);
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}
