/** Rows of connections that only sockets show, from the lower to the higher end and without NAT. The state in their `kind` is a CONNECTION_STATE. */
import { FLOW, kindState, sameAddress } from "@conntrail/model";
import { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import { PAIR_OWN } from "../rows/row-layout.ts";

/** What changes while a connection lives, beside its state: words of doubles. */
const CHANGING = [FLOW.lastSeenMs, FLOW.originalBytes, FLOW.replyBytes] as const;

/** A store of such connections. "Low" is the source end, "high" the reply end. */
export class PairRows extends ConnectionRows {
  /** Takes over the later state of the pair whose flow row is `words`. */
  refresh(row: Row, words: Uint32Array): void {
    if (this.words[row + FLOW.kind] !== words[FLOW.kind]) this.touch(row);
    this.words[row + FLOW.kind] = words[FLOW.kind]!;
    for (const word of CHANGING) {
      this.words[row + word] = words[word]!;
      this.words[row + word + 1] = words[word + 1]!;
    }
  }

  /** True when the pair whose flow row is `words` has the same ends. */
  hasEnds(row: Row, words: Uint32Array): boolean {
    const mine = this.words;
    return (
      mine[row + FLOW.originalPorts] === words[FLOW.originalPorts] &&
      ((mine[row + FLOW.kind]! ^ words[FLOW.kind]!) & 0xff) === 0 &&
      sameAddress(mine, row + FLOW.originalSource, words, FLOW.originalSource) &&
      sameAddress(mine, row + FLOW.originalDestination, words, FLOW.originalDestination)
    );
  }

  /** A CONNECTION_STATE as its index. */
  state(row: Row): number {
    return kindState(this.kind(row));
  }

  /** The namespace of the socket at an end, 0 = not seen. */
  lowNetns(row: Row): number {
    return this.words[row + PAIR_OWN.lowNetns]!;
  }

  highNetns(row: Row): number {
    return this.words[row + PAIR_OWN.highNetns]!;
  }

  /** What it is known by (SocketSet.identity), 0 = not seen, or nothing. */
  lowIdentity(row: Row): number {
    return this.words[row + PAIR_OWN.lowIdentity]!;
  }

  highIdentity(row: Row): number {
    return this.words[row + PAIR_OWN.highIdentity]!;
  }

  /** The index of the interface that the socket at the lower end is bound to, 0 = none. */
  lowIndex(row: Row): number {
    return this.words[row + PAIR_OWN.lowIndex]!;
  }

  highIndex(row: Row): number {
    return this.words[row + PAIR_OWN.highIndex]!;
  }

  /** Notes which socket is at the lower end. 0 says nothing: what was known stays. */
  noteLow(row: Row, netns: number, identity: number, index: number): void {
    if (netns !== 0) {
      if (netns !== this.lowNetns(row)) this.touch(row);
      this.words[row + PAIR_OWN.lowNetns] = netns;
      this.words[row + PAIR_OWN.lowIndex] = index;
    }
    if (identity !== 0) this.words[row + PAIR_OWN.lowIdentity] = identity;
  }

  /** The same for the higher end. */
  noteHigh(row: Row, netns: number, identity: number, index: number): void {
    if (netns !== 0) {
      if (netns !== this.highNetns(row)) this.touch(row);
      this.words[row + PAIR_OWN.highNetns] = netns;
      this.words[row + PAIR_OWN.highIndex] = index;
    }
    if (identity !== 0) this.words[row + PAIR_OWN.highIdentity] = identity;
  }
}
