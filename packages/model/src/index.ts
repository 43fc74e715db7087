/** The vocabulary of conntrail, in reading order: address, tuple, flow, socket, connection, snapshot. */
export * from "./address.ts";
export * from "./aggregated-row.ts";
export * from "./connection.ts";
export * from "./connection-columns.ts";
export * from "./connection-ends.ts";
export * from "./flow-batch.ts";
export * from "./flow-row.ts";
export * from "./health.ts";
export * from "./networks.ts";
export * from "./protocol.ts";
export * from "./snapshot.ts";
export * from "./socket-row.ts";
export * from "./socket-rows.ts";
export * from "./socket-table.ts";
export * from "./take-rows.ts";
export * from "./tuple.ts";
