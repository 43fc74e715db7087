/**
 * The connections that announced others to a helper of conntrack (CTA_TUPLE_MASTER): FTP's control connection for its data, SIP's for its media. Few flows have
 * one, so it is no part of a flow's row: it travels beside the rows of a batch, and beside the columns of a report.
 */

/** Word offsets inside a record of `FlowBatch.masters`. */
export const MASTER = {
  serial: 0, // FLOW.serial of the flow that was announced
  kind: 1, // of who announced it: protocol | family << 8
  ports: 2, // source << 16 | destination of its original tuple
  source: 3, // 4 words
  destination: 7, // 4 words
} as const;

/** Words in a record. */
export const MASTER_WORDS = 11;

/** Who announced a connection: its original tuple, and its number in reports. */
export interface Master {
  /** Null: it is in no report, because it is not followed, or was over before. */
  readonly id: number | null;
  readonly protocol: string;
  /** Who opened it. */
  readonly from: { readonly address: string; readonly port: number };
  /** Whom that called. */
  readonly to: { readonly address: string; readonly port: number };
}
