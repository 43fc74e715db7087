/**
 * What a sidecar block carries: JSON (RFC 8259) of the record without its kind and time, which the block's header has.
 * Addresses and /proc files are text, holders a list of numbers, socket rows base64 (RFC 4648) of their bytes with the byte order named.
 * The way back is sidecar-parse.ts.
 */
import { endianness } from "node:os";
import {
  ADDRESS_WORDS,
  formatAddress,
  type NamespaceFacts,
  SOCKET_WORDS,
  type SocketTable,
  TRACE_WORDS,
  type TraceBatch,
} from "@conntrail/model";
import type { SidecarRecord } from "./records.ts";

/** The payload of a record as a value for JSON.stringify. */
export function sidecarPayload(record: SidecarRecord): unknown {
  switch (record.kind) {
    case "host":
      return record.host;
    case "namespace":
      return namespacePayload(record.facts);
    case "names":
      return record.answers.map(({ address, ...answer }) => ({ address: formatAddress(address), ...answer }));
    case "owners":
      return { owners: record.owners, holders: [...record.holders] };
    case "proc-net":
      return { netns: record.netns, protocol: record.protocol, text: Buffer.from(record.bytes).toString("latin1") };
    case "sockets":
      return tablePayload(record.table);
    case "trace":
      return tracePayload(record.batch);
    case "options":
      return record.options;
    case "released":
    case "containers":
    case "emptied":
    case "loss":
    case "dump":
    case "scan":
    case "health":
    case "tick": {
      const { kind: _kind, timeMs: _timeMs, ...rest } = record;
      return rest;
    }
  }
}

function namespacePayload(facts: NamespaceFacts): unknown {
  const addresses: string[] = [];
  for (let at = 0; at < facts.addresses.length; at += ADDRESS_WORDS) addresses.push(formatAddress(facts.addresses, at));
  const { netns, ephemeral, readFromMs, readByMs, incomplete, name, devices, localRoutes } = facts;
  const read = readFromMs <= readByMs ? { readFromMs, readByMs } : {};
  return { netns, addresses, ephemeral, ...read, incomplete, name, devices, localRoutes };
}

function tablePayload(table: SocketTable): unknown {
  const { timeMs, cutMs, startedMs, count, owners, health } = table;
  const bytes = Buffer.from(
    table.rows.buffer,
    table.rows.byteOffset,
    count * SOCKET_WORDS * Uint32Array.BYTES_PER_ELEMENT,
  );
  const namespaces = table.namespaces.map(namespacePayload);
  return {
    timeMs,
    cutMs,
    startedMs,
    count,
    byteOrder: endianness(),
    rows: bytes.toString("base64"),
    owners,
    namespaces,
    health,
  };
}

function tracePayload({ count, rows, blind, owners, health }: TraceBatch): unknown {
  const bytes = Buffer.from(rows.buffer, rows.byteOffset, count * TRACE_WORDS * Uint32Array.BYTES_PER_ELEMENT);
  return { count, byteOrder: endianness(), rows: bytes.toString("base64"), blind, owners, health };
}
