/** The words that stand behind those of a flow (model's flow-row.ts) where the ingest keeps it: in its table, and where a message is decoded to. */
import { FLOW_WORDS } from "@conntrail/model";

/** Words of a row of the flow table beside the flow's. */
export const TABLE_ROW: { readonly hash: number; readonly marks: number } = {
  hash: FLOW_WORDS, // of its key
  marks: FLOW_WORDS + 1, // see row-marks.ts
};

/** Words in a row of the flow table: 184 bytes. */
export const TABLE_ROW_WORDS: number = FLOW_WORDS + 2;

/** Words of a decoded message beside the flow's. */
export const MESSAGE_ROW: Readonly<Record<"fields" | "masterKind" | "masterPorts" | "master" | "exact", number>> = {
  fields: FLOW_WORDS, // DECODED_FIELD bits: what it had
  masterKind: FLOW_WORDS + 1, // CTA_TUPLE_MASTER: protocol | family << 8
  masterPorts: FLOW_WORDS + 2, // source << 16 | destination
  master: FLOW_WORDS + 3, // 4 words of its source, 4 of its destination
  exact: FLOW_WORDS + 11, // counters beyond 2^53: packets and bytes of the original direction and of the reply, two words each
};

/** Words in a decoded message: even, for the doubles. */
export const MESSAGE_ROW_WORDS: number = FLOW_WORDS + 20;
