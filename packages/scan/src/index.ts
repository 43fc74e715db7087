/** Sockets and their owners, in reading order: the stream, its pace, one scan, a table from a recording. */
export { assembleSocketTable } from "./assemble-socket-table.ts";
export { type BegunEnds, type LookPace, looks } from "./begun-ends.ts";
export type { LookedEnds } from "./end-look.ts";
export type { MayBeStill, ScanOptions, ScanSettings } from "./options.ts";
export { type Pace, paced } from "./paced.ts";
export type { ScanFacts, ScanRecord, SocketDump } from "./scan-record.ts";
export { scanSockets } from "./scan-sockets.ts";
export type { ScanRequest } from "./scan-work.ts";
export { Scanner, type ScanResult } from "./scanner.ts";
