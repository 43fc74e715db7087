/** How a trace begins. */
import { resolveTraceOptions, type TraceOptions } from "./options.ts";
import { Tracer } from "./tracer.ts";

/** Opens the trace. Throws only for what is our own fault, RangeError for options that cannot be meant; for the rest see `Tracer.health`. */
export function openTracer(options: TraceOptions = {}): Tracer {
  return new Tracer(resolveTraceOptions(options));
}
