/** The order of rows in a table: what lives before what ended, then by process, so that what one program does stands together. */
import { ADDRESS_WORDS, CONNECTION_STATE, fromPort, indexOf, networkWord, toPort } from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";

/** The rows in their order: living, failed, closed; by opener's process, server, opener's address. The same report gives the same order. */
export function tableOrder(raw: RawReport): Uint32Array {
  const { columns } = raw;
  const ranks = ownerRanks(raw);
  const rank = new Uint32Array(columns.length);
  for (let row = 0; row < rank.length; row++) {
    const owner = columns.fromOwner[row]!;
    const known = owner === 0 ? raw.owners.length : ranks[owner - 1]!;
    rank[row] = ended(columns.state[row]!) * (raw.owners.length + 1) + known;
  }
  const byAddress = (words: Uint32Array, a: number, b: number): number => {
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      const difference = networkWord(words[a * ADDRESS_WORDS + i]!) - networkWord(words[b * ADDRESS_WORDS + i]!);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  return Uint32Array.from(rank.keys()).sort(
    (a, b) =>
      rank[a]! - rank[b]! ||
      byAddress(columns.replySource, a, b) ||
      toPort(columns, a) - toPort(columns, b) ||
      byAddress(columns.originalSource, a, b) ||
      fromPort(columns, a) - fromPort(columns, b) ||
      a - b,
  );
}

const CLOSED = indexOf(CONNECTION_STATE, "closed");
const FAILED = indexOf(CONNECTION_STATE, "failed");

function ended(state: number): number {
  return state === CLOSED ? 2 : state === FAILED ? 1 : 0;
}

/** The place of each owner among all, by name and then pid. */
function ownerRanks({ owners }: RawReport): Uint32Array {
  const sorted = Array.from({ length: owners.length }, (_, index) => ({ index, owner: owners.at(index)! })).sort(
    (a, b) => compare(a.owner.process, b.owner.process) || a.owner.pid - b.owner.pid || a.index - b.index,
  );
  const ranks = new Uint32Array(owners.length);
  for (const [rank, { index }] of sorted.entries()) ranks[index] = rank;
  return ranks;
}

/** By code units: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
