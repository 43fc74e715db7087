/** Conntrack messages as bytes, with few words: what the kernel would send of a TCP flow between 10.0.0.1 and 10.0.0.2. */
import { type ConntrackMessage, encodeConntrack } from "@conntrail/netlink";

/** What a test may want to say of a flow; `client` is the original source port. */
export interface FlowFacts extends Partial<Omit<ConntrackMessage, "kind" | "original" | "reply">> {
  readonly client?: number;
  readonly server?: number;
  readonly protocol?: number;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  /** The reply's source and port, when they are not the destination: destination NAT. */
  readonly real?: { readonly address: readonly number[]; readonly port: number };
  /** The TCP state. */
  readonly state?: number;
}

const TCP = 6;

/** One message. Kinds are those of the netlink package: `row` is a row of a dump. */
export function message(kind: ConntrackMessage["kind"], facts: FlowFacts = {}): Uint8Array {
  const { client = 1000, server = 80, protocol = TCP, source = [10, 0, 0, 1], destination = [10, 0, 0, 2] } = facts;
  const { real = { address: destination, port: server }, state, ...rest } = facts;
  const ports = (sourcePort: number, destinationPort: number) =>
    ({ kind: "ports", number: protocol, sourcePort, destinationPort }) as const;
  return encodeConntrack({
    id: 1,
    status: 8,
    ...rest,
    ...(state === undefined ? {} : { protoInfo: { kind: protocol === TCP ? "tcp" : "sctp", state } }),
    kind,
    family: source.length === 4 ? 2 : 10,
    original: {
      source: Uint8Array.from(source),
      destination: Uint8Array.from(destination),
      proto: ports(client, server),
    },
    reply: {
      source: Uint8Array.from(real.address),
      destination: Uint8Array.from(source),
      proto: ports(real.port, client),
    },
  });
}

/** Several messages as one datagram. */
export function datagram(...messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((bytes) => [...bytes]));
}
