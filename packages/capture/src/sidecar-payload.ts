/**
 * What a sidecar block carries: JSON (RFC 8259) of the record without its kind and time, which the block's header has.
 * Addresses are text, inodes a list of numbers, socket rows base64 (RFC 4648) of their bytes with the byte order named.
 * The way back is sidecar-parse.ts.
 */
import { endianness } from "node:os";
import { ADDRESS_WORDS, formatAddress, type NamespaceFacts, SOCKET_WORDS, type SocketTable } from "@conntrail/model";
import type { OwnersRecord, SidecarRecord } from "./records.ts";

/** The payload of a record as a value for JSON.stringify. */
export function sidecarPayload(record: SidecarRecord): unknown {
  switch (record.kind) {
    case "host":
      return record.host;
    case "namespace":
      return namespacePayload(record.facts);
    case "names":
      return record.answers.map(({ address, names }) => ({ address: formatAddress(address), names }));
    case "owners":
      return ownersPayload(record);
    case "sockets":
      return tablePayload(record.table);
    case "options":
      return record.options;
    case "released":
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

/** Processes in one block: an owners record of more is written as several, of which the first carries reset and gone. */
export const HOLDERS_PER_BLOCK = 1000;

/** Splits an owners record so that no block grows with the host. Carried out one after the other, the parts do what the whole does. */
export function splitOwners(record: OwnersRecord): OwnersRecord[] {
  if (record.holders.length <= HOLDERS_PER_BLOCK) return [record];
  const parts: OwnersRecord[] = [];
  for (let start = 0; start < record.holders.length; start += HOLDERS_PER_BLOCK) {
    const first = start === 0;
    parts.push({
      ...record,
      reset: first && record.reset,
      gone: first ? record.gone : [],
      holders: record.holders.slice(start, start + HOLDERS_PER_BLOCK),
    });
  }
  return parts;
}

function namespacePayload(facts: NamespaceFacts): unknown {
  const addresses: string[] = [];
  for (let at = 0; at < facts.addresses.length; at += ADDRESS_WORDS) addresses.push(formatAddress(facts.addresses, at));
  return { netns: facts.netns, addresses, ephemeral: facts.ephemeral };
}

function ownersPayload(record: OwnersRecord): unknown {
  const { reset, gone, unreadable } = record;
  const holders = record.holders.map(({ owner, inodes }) => ({ owner, inodes: [...inodes] }));
  return { reset, gone, unreadable, holders };
}

function tablePayload(table: SocketTable): unknown {
  const { timeMs, startedMs, count, owners, health } = table;
  const bytes = Buffer.from(
    table.rows.buffer,
    table.rows.byteOffset,
    count * SOCKET_WORDS * Uint32Array.BYTES_PER_ELEMENT,
  );
  const namespaces = table.namespaces.map(namespacePayload);
  return {
    timeMs,
    startedMs,
    count,
    byteOrder: endianness(),
    rows: bytes.toString("base64"),
    owners,
    namespaces,
    health,
  };
}
