/** Packets as columns: what the reader hands out, so that a message costs no object on its way into the flow table. */

/** Bits of `PacketBatch.flags`. */
export const PACKET = {
  outgoing: 1, // a request to the kernel
  multicast: 2, // an event of a multicast group; without it: an answer to a request, part of a dump
  cut: 4, // the capture holds only the beginning of the datagram
} as const;

/** Where packets come from: one netlink family in one network namespace. */
export interface CaptureSource {
  /** Inode; 0 = unknown. */
  readonly netns: number;
  /** NETLINK_NETFILTER or NETLINK_SOCK_DIAG. */
  readonly family: number;
}

/**
 * Packets in the order of the file. Packet `i` is the datagram of `lengths[i]` bytes at `offsets[i]` in `block`: one netlink
 * message or several. All of it is a view of the reader's own memory, valid until the next item is asked for. Offsets
 * are multiples of 4 in pcapng and text; in classic pcap nothing is promised.
 */
export interface PacketBatch {
  readonly kind: "packets";
  readonly count: number;
  readonly block: Uint8Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Unix milliseconds. */
  readonly timesMs: Float64Array;
  /** Indices into the reader's `sources`. */
  readonly sources: Uint16Array;
  /** PACKET bits. */
  readonly flags: Uint8Array;
}

/** A batch while it is being filled. */
export interface OpenBatch extends PacketBatch {
  count: number;
  block: Uint8Array;
}

/** Packets in a batch at the most. */
export const BATCH_PACKETS = 4096;

/** An empty batch. */
export function openBatch(): OpenBatch {
  return {
    kind: "packets",
    count: 0,
    block: new Uint8Array(0),
    offsets: new Uint32Array(BATCH_PACKETS),
    lengths: new Uint32Array(BATCH_PACKETS),
    timesMs: new Float64Array(BATCH_PACKETS),
    sources: new Uint16Array(BATCH_PACKETS),
    flags: new Uint8Array(BATCH_PACKETS),
  };
}

/** The sources met so far, each once. Their number is bounded by the width of `PacketBatch.sources`. */
export interface SourceTable {
  readonly list: CaptureSource[];
  /** The index of a source, added if it is new; -1 when the table is full. */
  indexOf(netns: number, family: number): number;
}

/** An empty table. */
export function sourceTable(): SourceTable {
  const list: CaptureSource[] = [];
  const known = new Map<string, number>();
  return {
    list,
    indexOf(netns, family) {
      const key = `${netns}/${family}`;
      const at = known.get(key);
      if (at !== undefined) return at;
      if (list.length > 0xffff) return -1;
      known.set(key, list.length);
      return list.push({ netns, family }) - 1;
    },
  };
}
