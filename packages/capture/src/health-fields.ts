/** Recognises the accounts of health (model's health.ts) among values that came out of JSON.parse. Fields of newer versions pass. */
import type { ContainersHealth, IngestHealth, NamesHealth, ScanHealth, TraceHealth } from "@conntrail/model";
import { hasFields } from "./json-fields.ts";

/** True for the ingest's account. */
export function isIngestHealth(value: unknown): value is IngestHealth {
  const numbers = hasFields(value, {
    advice: "string?",
    completeSinceMs: "number?",
    events: "object",
    lost: "number?",
    overruns: "number",
    resyncs: "number",
    reconciliations: "number",
    undecodable: "number",
    flows: "number",
    capacity: "number",
    evicted: "number",
    aggregated: "number",
    receiveBufferBytes: "number",
    namespaces: "number",
  });
  return numbers && hasFields(value.events, { new: "number", update: "number", destroy: "number" }) && hasState(value);
}

/** True for the scan's account. */
export function isScanHealth(value: unknown): value is ScanHealth {
  const numbers = hasFields(value, {
    advice: "string?",
    scans: "number",
    durationMs: "number",
    sockets: "number",
    attributed: "number",
    processes: "number",
    namespaces: "number",
    undecodable: "number",
    backend: "string",
  });
  return numbers && BACKENDS.includes(value.backend) && hasState(value);
}

/** True for the account of who asks about containers. */
export function isContainersHealth(value: unknown): value is ContainersHealth {
  const numbers = hasFields(value, {
    advice: "string?",
    cached: "number",
    pending: "number",
    requests: "number",
    failures: "number",
    dropped: "number",
  });
  return numbers && hasState(value);
}

/** True for the resolver's account. */
export function isNamesHealth(value: unknown): value is NamesHealth {
  const numbers = hasFields(value, {
    cached: "number",
    pending: "number",
    requests: "number",
    hits: "number",
    lookups: "number",
    failures: "number",
    dropped: "number",
  });
  return numbers && hasState(value);
}

/** True for the trace's account. */
export function isTraceHealth(value: unknown): value is TraceHealth {
  const numbers = hasFields(value, {
    advice: "string?",
    events: "number",
    lost: "number",
    undecodable: "number",
    facts: "number",
    cpus: "number",
    ringBytes: "number",
    processes: "number",
    senders: "string",
  });
  return numbers && ["on", "off", "over-budget"].includes(value.senders) && hasState(value);
}

/** The words of `ScanHealth.backend`. */
export const BACKENDS: readonly string[] = ["sock_diag", "proc", "none"] satisfies ScanHealth["backend"][];

function hasState(value: unknown): boolean {
  return hasFields(value, { state: "string", reason: "string?" }) && ["ok", "degraded", "off"].includes(value.state);
}
