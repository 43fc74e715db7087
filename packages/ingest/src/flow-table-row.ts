/** Where the ingest's own words stand in a flow's row (model's flow-row.ts): in its table, and behind the row that a message is decoded to. */
import { FLOW, FLOW_WORDS } from "@conntrail/model";

/** The table's word of a row: each of its rows is one connection, so the place of their count is free there, and a row that leaves the table gets its 1 back. */
export const TABLE_ROW: { readonly marks: number } = {
  marks: FLOW.count, // see row-marks.ts
};

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
