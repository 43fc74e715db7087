/**
 * Connections as columns: what the merge emits, the later stages complete and a report carries. Column `i` of every
 * array is connection `i`; addresses take four words each (address.ts).
 *
 * `original` is the tuple as the opening side sent it, `reply` the tuple as the answering side sends it back
 * (conntrack's words). The real ends follow without any more state: the opener is the original source, the server the
 * reply source; what the opener saw as its peer is the original destination, what the server saw is the reply
 * destination. Without NAT the reply is the original reversed.
 */
import { ADDRESS_WORDS } from "./address.ts";

/** The columns. Whoever receives them owns them; `transferables()` lists their buffers. */
export interface ConnectionColumns {
  /** Rows in use; the arrays may be longer. */
  length: number;
  /** Tells a connection from every other one, from its first telling to its last: whole numbers from 1. */
  readonly id: Float64Array;
  readonly originalSource: Uint32Array;
  readonly originalDestination: Uint32Array;
  readonly replySource: Uint32Array;
  readonly replyDestination: Uint32Array;
  /** source << 16 | destination (flow-row.ts). */
  readonly originalPorts: Uint32Array;
  readonly replyPorts: Uint32Array;
  readonly protocol: Uint8Array;
  readonly family: Uint8Array;
  /** Namespace that reported the row; of a connection through several namespaces, the opener's. */
  readonly netns: Uint32Array;
  readonly zone: Uint16Array;
  /** SOURCE bits. */
  readonly sources: Uint8Array;
  /** CONNECTION_FLAG bits. */
  readonly flags: Uint16Array;
  /** Indices into EVIDENCE, CONFIDENCE, CONNECTION_STATE, NAT_KIND. */
  readonly evidence: Uint8Array;
  readonly confidence: Uint8Array;
  readonly state: Uint8Array;
  readonly nat: Uint8Array;
  /** 1 + index into the snapshot's owners; 0: see the reason (index into OWNER_REASON). */
  readonly fromOwner: Uint32Array;
  readonly toOwner: Uint32Array;
  readonly fromReason: Uint8Array;
  readonly toReason: Uint8Array;
  /** 1 + index into the snapshot's devices: the interface that the end's socket is bound to; 0 = none. */
  readonly fromDevice: Uint16Array;
  readonly toDevice: Uint16Array;
  /** 1 + index into the snapshot's owners: the process that passes the connection on, at one of its ends; 0 = none. */
  readonly via: Uint32Array;
  /** 1 + index into the snapshot's masters: who announced it; 0 = nobody. */
  readonly master: Uint32Array;
  /** 1 + index into the snapshot's names; 0 = none known. */
  readonly fromNames: Uint32Array;
  readonly toNames: Uint32Array;
  /** 1 + index into the snapshot's TCP facts; 0 = none. */
  readonly tcp: Uint32Array;
  readonly count: Uint32Array;
  readonly mark: Uint32Array;
  readonly status: Uint32Array;
  /** Unix milliseconds. */
  readonly firstSeenMs: Float64Array;
  readonly lastSeenMs: Float64Array;
  /** From the opener to the server (original) and back (reply); -1 = not counted. */
  readonly originalPackets: Float64Array;
  readonly originalBytes: Float64Array;
  readonly replyPackets: Float64Array;
  readonly replyBytes: Float64Array;
  /** 1 + index into the snapshot's exact counters, where these four are beyond 2^53; 0 = they are exact. */
  readonly exact: Uint32Array;
}

/** Columns for `capacity` connections, all zero, length 0. */
export function allocateColumns(capacity: number): ConnectionColumns {
  const address = (): Uint32Array => new Uint32Array(capacity * ADDRESS_WORDS);
  const word = (): Uint32Array => new Uint32Array(capacity);
  const byte = (): Uint8Array => new Uint8Array(capacity);
  const double = (): Float64Array => new Float64Array(capacity);
  return {
    length: 0,
    id: double(),
    originalSource: address(),
    originalDestination: address(),
    replySource: address(),
    replyDestination: address(),
    originalPorts: word(),
    replyPorts: word(),
    protocol: byte(),
    family: byte(),
    netns: word(),
    zone: new Uint16Array(capacity),
    sources: byte(),
    flags: new Uint16Array(capacity),
    evidence: byte(),
    confidence: byte(),
    state: byte(),
    nat: byte(),
    fromOwner: word(),
    toOwner: word(),
    fromReason: byte(),
    toReason: byte(),
    fromDevice: new Uint16Array(capacity),
    toDevice: new Uint16Array(capacity),
    via: word(),
    master: word(),
    fromNames: word(),
    toNames: word(),
    tcp: word(),
    count: word(),
    mark: word(),
    status: word(),
    firstSeenMs: double(),
    lastSeenMs: double(),
    originalPackets: double(),
    originalBytes: double(),
    replyPackets: double(),
    replyBytes: double(),
    exact: word(),
  };
}

/** The buffers of columns, for a transfer list: after it the sender's arrays are empty. */
export function transferables(columns: ConnectionColumns): ArrayBuffer[] {
  return Object.values(columns)
    .filter((value): value is Uint8Array<ArrayBuffer> => ArrayBuffer.isView(value))
    .map((view) => view.buffer);
}
