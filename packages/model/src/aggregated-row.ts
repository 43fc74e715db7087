/** A flow row that stands for many connections of one client to one service (FLOW_FLAG.aggregated): what it forgets, and how its counters add up. */
import { FLOW, kindProtocol } from "./flow-row.ts";
import { isIcmp } from "./protocol.ts";

/** Forgets the client's port (for ICMP, the id) of the flow row at `offset`, in both tuples: rows that differ in nothing else are one. */
export function forgetClientPort(words: Uint32Array, offset: number): void {
  words[offset + FLOW.originalPorts]! &= 0xffff;
  const icmp = isIcmp(kindProtocol(words[offset + FLOW.kind]!));
  words[offset + FLOW.replyPorts]! &= icmp ? 0xffff : 0xffff0000;
}

/** Adds a counter to a sum, where -1 is "not counted": what was not counted adds nothing, and a sum of nothing else is -1. */
export function addCounter(sum: number, added: number): number {
  return added < 0 ? sum : Math.max(sum, 0) + added;
}
