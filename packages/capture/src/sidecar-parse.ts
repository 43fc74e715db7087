/** Sidecar payloads back to records: checked field by field, since a file may say anything. The way in is sidecar-payload.ts. */
import { endianness } from "node:os";
import {
  ADDRESS_WORDS,
  type HostFacts,
  type NamespaceFacts,
  type Owner,
  parseAddress,
  SOCKET_WORDS,
  type SocketTable,
} from "@conntrail/model";
import { parseContainers } from "./containers-parse.ts";
import { BACKENDS, isIngestHealth, isNamesHealth, isScanHealth } from "./health-fields.ts";
import { hasFields, isObject, parseAll } from "./json-fields.ts";
import { parseNameAnswer } from "./names-parse.ts";
import { parseFurtherFacts } from "./namespace-parse.ts";
import { type Json, LOSS_CAUSE, type ScanAccount, type SidecarRecord } from "./records.ts";
import { parseTraceRecord } from "./trace-parse.ts";

/** The record of a kind, time and payload (a value out of JSON.parse); `undefined` when the payload is not what the kind promises. */
export function parseSidecar(kind: SidecarRecord["kind"], timeMs: number, payload: unknown): SidecarRecord | undefined {
  switch (kind) {
    case "host":
      return isHost(payload) ? { kind, timeMs, host: payload } : undefined;
    case "namespace": {
      const facts = parseNamespace(payload);
      return facts && { kind, timeMs, facts };
    }
    case "emptied":
    case "released":
      return hasFields(payload, { netns: "u32" }) ? { kind, timeMs, netns: payload.netns } : undefined;
    case "owners":
      return parseOwners(timeMs, payload);
    case "names": {
      const answers = parseAll(payload, parseNameAnswer);
      return answers && { kind, timeMs, answers };
    }
    case "containers":
      return parseContainers(timeMs, payload);
    case "loss":
      return parseLoss(timeMs, payload);
    case "dump":
      return parseDump(timeMs, payload);
    case "scan":
      return parseScanMark(timeMs, payload);
    case "proc-net": {
      if (!hasFields(payload, { netns: "u32", protocol: "u32", text: "string" })) return undefined;
      const { netns, protocol, text } = payload;
      return { kind, timeMs, netns, protocol, bytes: new Uint8Array(Buffer.from(text, "latin1")) };
    }
    case "sockets": {
      const table = parseTable(payload);
      return table && { kind, timeMs, table };
    }
    case "health":
      return parseHealth(timeMs, payload);
    case "trace":
      return parseTraceRecord(timeMs, payload, parseOwner);
    case "tick":
      return parseTick(timeMs, payload);
    case "options":
      return isObject(payload) ? { kind, timeMs, options: payload as Record<string, Json> } : undefined;
  }
}

function isHost(value: unknown): value is HostFacts {
  return hasFields(value, {
    id: "string",
    name: "string",
    localNetworks: "texts",
    kernelVersion: "string",
    uptimeSeconds: "number",
  });
}

function parseNamespace(value: unknown): NamespaceFacts | undefined {
  if (!hasFields(value, { netns: "u32", addresses: "texts", ephemeral: "object" })) return undefined;
  const { netns, ephemeral } = value;
  const parsed = parseAll(value.addresses, (text) => parseAddress(text as string));
  if (parsed === undefined || !hasFields(ephemeral, { low: "u32", high: "u32" })) return undefined;
  const addresses = new Uint32Array(parsed.length * ADDRESS_WORDS);
  for (const [i, words] of parsed.entries()) addresses.set(words, i * ADDRESS_WORDS);
  const read = hasFields(value, { readFromMs: "number", readByMs: "number" }) ? value : AT_ANY_TIME;
  const { readFromMs, readByMs } = read;
  const further = parseFurtherFacts(value);
  const range = { low: ephemeral.low, high: ephemeral.high };
  return further && { netns, addresses, ephemeral: range, readFromMs, readByMs, ...further };
}

/** Older recordings do not say when a namespace was read. */
const AT_ANY_TIME = { readFromMs: Number.NEGATIVE_INFINITY, readByMs: Number.POSITIVE_INFINITY } as const;

function parseOwners(timeMs: number, value: unknown): SidecarRecord | undefined {
  if (!hasFields(value, { owners: "list", holders: "u32s" })) return undefined;
  const owners = parseAll(value.owners, parseOwner);
  return owners && { kind: "owners", timeMs, owners, holders: Uint32Array.from(value.holders) };
}

function parseOwner(value: unknown): Owner | undefined {
  const isOwner = hasFields(value, {
    pid: "u32",
    startTicks: "number",
    process: "string",
    ppid: "u32",
    cmdline: "string",
    cgroup: "string",
    containerId: "string",
  });
  if (!isOwner) return undefined;
  const hasUid = !("uid" in value) || hasFields(value, { uid: "u32" });
  const hasUser = !("user" in value) || hasFields(value, { user: "string" });
  return hasUid && hasUser ? value : undefined;
}

function parseLoss(timeMs: number, value: unknown): SidecarRecord | undefined {
  const fields = { cause: "string", netns: "u32", family: "u32", sinceMs: "number", count: "number?" } as const;
  if (!hasFields(value, fields)) return undefined;
  const cause = LOSS_CAUSE.find((known) => known === value.cause);
  const { netns, family, sinceMs, count } = value;
  return cause && { kind: "loss", timeMs, cause, netns, family, sinceMs, count };
}

function parseDump(timeMs: number, value: unknown): SidecarRecord | undefined {
  const fields = { netns: "u32", family: "u32", addressFamily: "u32", protocol: "u32" } as const;
  const phases = { phase: "string", tellClosed: "boolean", interrupted: "boolean", error: "string?" } as const;
  if (!hasFields(value, fields) || !hasFields(value, phases) || !isPhase(value.phase)) return undefined;
  const { netns, family, addressFamily, protocol, phase, tellClosed, interrupted, error } = value;
  return { kind: "dump", timeMs, phase, netns, family, addressFamily, protocol, tellClosed, interrupted, error };
}

function isPhase(value: unknown): value is "begin" | "end" {
  return value === "begin" || value === "end";
}

function parseScanMark(timeMs: number, value: unknown): SidecarRecord | undefined {
  if (!hasFields(value, { phase: "string" })) return undefined;
  if (value.phase === "begin") return { kind: "scan", timeMs, phase: "begin" };
  if (value.phase !== "end" || !hasFields(value, { account: "object" }) || !isAccount(value.account)) return undefined;
  return { kind: "scan", timeMs, phase: "end", account: value.account, cutMs: cutOf(value) };
}

function isAccount(value: unknown): value is ScanAccount {
  const fields = hasFields(value, {
    scans: "number",
    durationMs: "number",
    backend: "string",
    states: "number",
    maxSockets: "number",
    ownersWanted: "boolean",
    procReadable: "boolean",
    hidepid: "string",
    processes: "number",
    denied: "number",
    unreachable: "number",
    unreadable: "number",
  });
  return fields && BACKENDS.includes(value.backend) && HIDEPID.includes(value.hidepid) && hasObstacles(value);
}

/** Of newer recordings; older ones have neither. */
function hasObstacles(value: object): boolean {
  const { obstacle = "", ownPids = false } = value as { obstacle?: unknown; ownPids?: unknown };
  return typeof obstacle === "string" && typeof ownPids === "boolean";
}

const HIDEPID: readonly string[] = ["off", "noaccess", "invisible", "ptraceable"] satisfies ScanAccount["hidepid"][];

function parseTable(value: unknown): SocketTable | undefined {
  const fields = { timeMs: "number", startedMs: "number", count: "u32", byteOrder: "string", rows: "string" } as const;
  const lists = { owners: "list", namespaces: "list", health: "object" } as const;
  if (!hasFields(value, fields) || !hasFields(value, lists)) return undefined;
  const { timeMs, startedMs, count, health } = value;
  const bytes = Buffer.from(value.rows, "base64");
  const wanted = count * SOCKET_WORDS * Uint32Array.BYTES_PER_ELEMENT;
  if (value.byteOrder !== endianness() || bytes.length !== wanted) return undefined;
  const owners = parseAll(value.owners, parseOwner);
  const namespaces = parseAll(value.namespaces, parseNamespace);
  if (owners === undefined || namespaces === undefined || !isScanHealth(health)) return undefined;
  const rows = new Uint32Array(count * SOCKET_WORDS);
  new Uint8Array(rows.buffer).set(bytes);
  return { kind: "sockets", timeMs, cutMs: cutOf(value), startedMs, count, rows, owners, namespaces, health };
}

function parseTick(timeMs: number, value: unknown): SidecarRecord | undefined {
  if (!hasFields(value, { final: "boolean" })) return undefined;
  const wallAheadMs = hasFields(value, { wallAheadMs: "number" }) ? value.wallAheadMs : 0;
  return { kind: "tick", timeMs, final: value.final, wallAheadMs };
}

/** Older recordings know no cuts. */
function cutOf(value: unknown): number | null {
  return hasFields(value, { cutMs: "number" }) ? value.cutMs : null;
}

function parseHealth(timeMs: number, value: unknown): SidecarRecord | undefined {
  if (!hasFields(value, { part: "string", health: "object" })) return undefined;
  const { part, health } = value;
  if (part === "conntrack" && isIngestHealth(health)) {
    return { kind: "health", timeMs, part, health, cutMs: cutOf(value) };
  }
  if (part === "sockets" && isScanHealth(health)) return { kind: "health", timeMs, part, health };
  if (part === "names" && isNamesHealth(health)) return { kind: "health", timeMs, part, health };
  return undefined;
}
