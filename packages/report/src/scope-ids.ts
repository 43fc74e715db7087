/** Scope's node ids as bytes: `SCOPE;IP;PORT` for endpoints, `HOSTID;PID` for processes, `ID;<container>`, `HOSTID;<host>`. */
import { ByteWriter, type Fragment, fragment } from "./byte-writer.ts";
import { type EndpointTable, NO_ENDPOINT, SCOPE } from "./scope-endpoints.ts";
import { putAddress } from "./write-address.ts";

const SEPARATOR = 0x3b; // ;
const DASH = 0x2d;
const COLON = 0x3a;
/** Longer than most ids; the writer grows for the others. */
const SCRATCH_BYTES = 256;

/** The ids of one report's endpoints, as they stand between the quotes of a JSON string. */
export interface EndpointIds {
  put(writer: ByteWriter, endpoint: number): void;
  putAddress(writer: ByteWriter, endpoint: number): void;
  text(endpoint: number): string;
}

/** The id of the host's node. */
export function hostNodeId(hostId: string): string {
  return `${hostId};<host>`;
}

/** The id of a process. */
export function processNodeId(hostId: string, pid: number): string {
  return `${hostId};${pid}`;
}

/** The id of a container. */
export function containerNodeId(containerId: string): string {
  return `${containerId};<container>`;
}

/** A set as Scope wants it: sorted, each member once. */
export function sortedSet(members: readonly string[]): string[] {
  return [...new Set(members)].sort();
}

/**
 * The ids of `endpoints`. The scope is empty for ordinary addresses, the host's id for networks marked as the host's own,
 * and `HOSTID-NETNS` for loopback (S18). Aggregated clients have `0-ADDRESS:PORT` of their service for a port.
 */
export function endpointIds(endpoints: EndpointTable, hostId: string): EndpointIds {
  const host = fragment(JSON.stringify(hostId).slice(1, -1));
  const { addresses, ports, scope, service } = endpoints;
  const address = (writer: ByteWriter, endpoint: number): void => putAddress(writer, addresses, endpoint * 4);
  const put = (writer: ByteWriter, endpoint: number): void => {
    putScope(writer, host, scope[endpoint]!);
    writer.putByte(SEPARATOR);
    address(writer, endpoint);
    writer.putByte(SEPARATOR);
    writer.putUnsigned(ports[endpoint]!);
    const leadsTo = service[endpoint]!;
    if (leadsTo === NO_ENDPOINT) return;
    writer.putByte(DASH);
    address(writer, leadsTo);
    writer.putByte(COLON);
    writer.putUnsigned(ports[leadsTo]!);
  };
  const scratch = new ByteWriter(SCRATCH_BYTES);
  const text = (endpoint: number): string => {
    scratch.position = 0;
    put(scratch, endpoint);
    return Buffer.from(scratch.view.buffer, 0, scratch.position).toString();
  };
  return { put, putAddress: address, text };
}

function putScope(writer: ByteWriter, host: Fragment, scope: number): void {
  if (scope === SCOPE.none) return;
  writer.put(host);
  if (scope === SCOPE.host) return;
  writer.putByte(DASH);
  writer.putUnsigned(scope);
}
