/** The two ends of each connection that began, out of batches of flows: for a look at who holds their sockets, where nothing tells who opened them. */
import {
  ADDRESS_WORDS,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  kindFamily,
  kindFlags,
  kindProtocol,
  PROTOCOL,
  packKind,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
} from "@conntrail/model";
import type { BegunEnds } from "@conntrail/scan";

/** Older than it looks, over, or many in one. */
const UNFIT = FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen | FLOW_FLAG.closed | FLOW_FLAG.aggregated;

/** Which protocols are to be looked at. */
export interface Untold {
  readonly tcp: boolean;
  readonly udp: boolean;
}

/** Takes batch after batch; gives the ends of flows that no batch before had. */
export class BeginningsOf {
  #epoch = 0;
  #serial = 0;

  /** `undefined` when there are none. */
  take(batch: FlowBatch, { tcp, udp }: Untold): BegunEnds | undefined {
    if (batch.epoch !== this.#epoch) this.#serial = 0;
    this.#epoch = batch.epoch;
    const begun: number[] = [];
    let highest = this.#serial;
    for (let row = 0; row < batch.count; row++) {
      const at = row * FLOW_WORDS;
      const serial = batch.rows[at + FLOW.serial]!;
      if (!isLater(serial, this.#serial)) continue;
      if (isLater(serial, highest)) highest = serial;
      const kind = batch.rows[at + FLOW.kind]!;
      const protocol = kindProtocol(kind);
      const wanted = (tcp && protocol === PROTOCOL.tcp) || (udp && protocol === PROTOCOL.udp);
      if (wanted && batch.changes[row] === FLOW_CHANGE.upsert && (kindFlags(kind) & UNFIT) === 0) begun.push(at);
    }
    this.#serial = highest;
    return begun.length === 0 ? undefined : endsOf(batch.rows, begun);
  }
}

/** Serials of flows have 32 bits and begin anew after the last one. */
function isLater(serial: number, than: number): boolean {
  return ((serial - than) | 0) > 0;
}

function endsOf(flows: Uint32Array, begun: readonly number[]): BegunEnds {
  const rows = new Uint32Array(begun.length * 2 * TRACE_WORDS);
  let to = 0;
  for (const at of begun) {
    for (const [source, destination, ports] of [
      [FLOW.originalSource, FLOW.originalDestination, FLOW.originalPorts],
      [FLOW.replySource, FLOW.replyDestination, FLOW.replyPorts],
    ] as const) {
      for (let word = 0; word < ADDRESS_WORDS; word++) {
        rows[to + TRACE.local + word] = flows[at + source + word]!;
        rows[to + TRACE.remote + word] = flows[at + destination + word]!;
      }
      const kind = flows[at + FLOW.kind]!;
      rows[to + TRACE.ports] = flows[at + ports]!;
      rows[to + TRACE.kind] = packKind(kindProtocol(kind), kindFamily(kind), TRACE_ROLE.held, 0);
      rows[to + TRACE.netns] = flows[at + FLOW.netns]!;
      to += TRACE_WORDS;
    }
  }
  return { rows, count: begun.length * 2 };
}
