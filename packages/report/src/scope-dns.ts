/** Scope's DNS: the names of addresses, each address once. */
import { ADDRESS_WORDS, formatAddress, sameAddress } from "@conntrail/model";
import type { ByteWriter } from "./byte-writer.ts";
import type { RawReport } from "./raw-report.ts";
import { sortedSet } from "./scope-ids.ts";

/** Writes `{"ADDRESS":{"reverse":[NAMES]}}` for the named ends of the first `shown` connections. */
export function putDns(writer: ByteWriter, { columns, names }: RawReport, shown: number): void {
  const told = new Set<string>();
  // Names belong to one address as a rule: the address that had them last is told apart without making its text.
  const last = new Uint32Array((names.length + 1) * ADDRESS_WORDS);
  const lastRow = new Uint8Array(names.length + 1);
  const tell = (words: Uint32Array, offset: number, index: number): void => {
    const at = index * ADDRESS_WORDS;
    if (lastRow[index] === 1 && sameAddress(last, at, words, offset)) return;
    lastRow[index] = 1;
    for (let i = 0; i < ADDRESS_WORDS; i++) last[at + i] = words[offset + i]!;
    const address = formatAddress(words, offset);
    if (told.has(address)) return;
    writer.putText(
      `${told.size === 0 ? "" : ","}"${address}":${JSON.stringify({ reverse: sortedSet(names.at(index - 1)!) })}`,
    );
    told.add(address);
  };
  writer.putText("{");
  for (let row = 0; row < shown; row++) {
    const from = columns.fromNames[row]!;
    const to = columns.toNames[row]!;
    if (from !== 0) tell(columns.originalSource, row * ADDRESS_WORDS, from);
    if (to !== 0) tell(columns.replySource, row * ADDRESS_WORDS, to);
  }
  writer.putText("}");
}
