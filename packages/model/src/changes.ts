/** What is new of connections since it was last told, beside the columns of those that it is about. */

/** Which connections a snapshot is about, while somebody listens to changes. */
export interface News {
  /** All connections are in it: what is not there is gone. Else those about which something may be new. */
  readonly all: boolean;
  /** Ids that no connection has any more. */
  readonly left: readonly number[];
}

/** What happened to a connection. `brief`: it was opened and has ended since the last telling. The order is the encoding in `Changes.kinds`. */
export const CHANGE_KIND = ["opened", "changed", "closed", "brief"] as const;

/** What about a connection is another: bits of `Changes.members`. */
export const CHANGED_MEMBER = { state: 1, direction: 2, owners: 4, names: 8, other: 16 } as const;

/** Changes. `rows[i]` is the place in the snapshot's columns of the connection that change `i` is about. */
export interface Changes {
  /** Indices into CHANGE_KIND. */
  readonly kinds: Uint8Array<ArrayBuffer>;
  readonly rows: Uint32Array<ArrayBuffer>;
  /** CHANGED_MEMBER bits; 0 unless `changed`. */
  readonly members: Uint8Array<ArrayBuffer>;
  /** Ids that were told as living and are connections of their own no more, without an end: part of another connection, or left out for want of room. */
  readonly gone: Float64Array<ArrayBuffer>;
  /** Rows of the columns that live: with `all`, those are the whole picture. */
  readonly living: Uint32Array<ArrayBuffer>;
}
