/** Connections to OpenTelemetry. */
export { type OtlpSink, type OtlpSinkOptions, otlp } from "./otlp-sink.ts";
