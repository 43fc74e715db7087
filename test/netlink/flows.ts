/** Flows made and ended through ctnetlink: events without traffic, exactly as many as a test wants. */
import {
  type ConntrackOperation,
  type ConntrackRequest,
  encodeConntrackRequest,
  MessageWriter,
  NETLINK_FAMILY,
  writeConntrackRequest,
} from "@conntrail/netlink";
import { openNetlinkSocket, request } from "@conntrail/netlink/socket";

const CLIENT = Uint8Array.of(10, 1, 0, 2);
const SERVER = Uint8Array.of(10, 2, 0, 2);

/** A flow from 10.1.0.2:1000 to 10.2.0.2. */
export function flow(protocol: number, port: number, more: Partial<ConntrackRequest> = {}): ConntrackRequest {
  const proto = { kind: "ports", number: protocol } as const;
  return {
    family: 2,
    original: { source: CLIENT, destination: SERVER, proto: { ...proto, sourcePort: 1000, destinationPort: port } },
    reply: { source: SERVER, destination: CLIENT, proto: { ...proto, sourcePort: port, destinationPort: 1000 } },
    timeout: 100,
    status: 0xe,
    ...more,
  };
}

/** Does it in the namespace; throws when the kernel refuses. */
export function apply(namespacePath: string, operation: ConntrackOperation, entry: ConntrackRequest): void {
  const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath });
  try {
    const { error } = request(socket, encodeConntrackRequest(operation, entry));
    if (error !== undefined) throw new Error(`${operation}: ${error}`);
  } finally {
    socket.close();
  }
}

/** Makes and ends so many TCP flows; returns the number of events that causes. */
export function churn(namespacePath: string, flows: number): number {
  const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath });
  const writer = new MessageWriter();
  for (let port = 1; port <= flows; port++) {
    const entry = flow(6, port, { protoInfo: { kind: "tcp", state: 3 } });
    writer.reset();
    writeConntrackRequest(writer, "create", entry);
    writeConntrackRequest(writer, "delete", entry);
    socket.send(writer.bytes);
  }
  socket.close();
  return 2 * flows;
}
