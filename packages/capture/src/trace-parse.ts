/** The payload of a trace block back to a batch (docs/capture-format.md): a file may say anything, so rows that point beyond their owners are refused. */
import { endianness } from "node:os";
import { type Owner, TRACE, TRACE_WORDS } from "@conntrail/model";
import { isTraceHealth } from "./health-fields.ts";
import { hasFields, parseAll } from "./json-fields.ts";
import type { TraceRecord } from "./records.ts";

/** The record; `undefined` when the payload is not what the kind promises. */
export function parseTraceRecord(
  timeMs: number,
  value: unknown,
  parseOwner: (item: unknown) => Owner | undefined,
): TraceRecord | undefined {
  const fields = { count: "u32", byteOrder: "string", rows: "string", blind: "object?" } as const;
  if (!hasFields(value, fields) || !hasFields(value, { owners: "list", health: "object" })) return undefined;
  const { count, health } = value;
  const bytes = Buffer.from(value.rows, "base64");
  if (value.byteOrder !== endianness() || bytes.length !== count * TRACE_WORDS * 4) return undefined;
  const owners = parseAll(value.owners, parseOwner);
  const blind = value.blind === null ? null : parseBlind(value.blind);
  if (owners === undefined || blind === undefined || !isTraceHealth(health)) return undefined;
  const rows = new Uint32Array(count * TRACE_WORDS);
  new Uint8Array(rows.buffer).set(bytes);
  for (let at = TRACE.owner; at < rows.length; at += TRACE_WORDS) if (rows[at]! > owners.length) return undefined;
  return { kind: "trace", timeMs, batch: { kind: "trace", timeMs, count, rows, blind, owners, health } };
}

function parseBlind(value: unknown): { readonly sinceMs: number; readonly untilMs: number } | undefined {
  return hasFields(value, { sinceMs: "number", untilMs: "number" }) ? value : undefined;
}
