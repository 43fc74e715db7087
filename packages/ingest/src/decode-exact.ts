/** Counters beyond 2^53, word for word: as good as no flow has them, so they are read a second time. Source: `dump_counters`, net/netfilter/nf_conntrack_netlink.c. */
import { CTA_COUNTERS, WordCursor, wholeWord } from "@conntrail/netlink";
import { DECODED_FIELD } from "./decode-nested.ts";
import { MESSAGE_ROW } from "./flow-table-row.ts";

const counters = new WordCursor();

/** Writes both counters of the attributes between `start` and `end`, which have been decoded before, behind the row. Returns the fields that the message has by that. */
export function keepExact(words: Uint32Array, start: number, end: number, row: Uint32Array, isReply: boolean): number {
  const at = MESSAGE_ROW.exact + (isReply ? 4 : 0);
  counters.over(words, start, end);
  while (counters.next()) {
    const { type } = counters;
    if (type !== CTA_COUNTERS.packets && type !== CTA_COUNTERS.bytes) continue;
    const to = type === CTA_COUNTERS.packets ? at : at + 2;
    row[to] = wholeWord(counters.words[counters.at]!);
    row[to + 1] = wholeWord(counters.words[counters.at + 1]!);
  }
  return isReply
    ? DECODED_FIELD.replyCounters | DECODED_FIELD.exactReply
    : DECODED_FIELD.originalCounters | DECODED_FIELD.exactOriginal;
}
