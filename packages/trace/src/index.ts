/** Which process connects and which closes, from perf events: the trace, and what it is made of. */
export { Datagram } from "./datagram.ts";
export { mergeByTime } from "./merge-by-time.ts";
export { parseCpuList } from "./online-cpus.ts";
export { openTracer } from "./open-tracer.ts";
export type { TraceOptions } from "./options.ts";
export { Ring } from "./perf/ring.ts";
export { ProcessRecord } from "./process-record.ts";
export { StateChange } from "./state-change.ts";
export { type EventField, type EventFormat, parseEventFormat } from "./tracefs/event-format.ts";
export type { Tracer } from "./tracer.ts";
