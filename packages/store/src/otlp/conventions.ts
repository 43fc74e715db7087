/**
 * A connection in the words of OpenTelemetry: the mapping, in one place. Names are those of the semantic conventions 1.45
 * (https://opentelemetry.io/docs/specs/semconv/registry/attributes/): `client.*` and `server.*` (client, server) say who opened, so they are used where the
 * direction is certain or likely, else `source.*` and `destination.*`; `network.transport`, `network.type` (network); `process.executable.name`, `process.pid`
 * (process); `container.id` (container); `host.id`, `host.name` (host). What they have no word for is under `conntrail.`.
 */
import type { Connection, End, HostJson } from "@conntrail/report";
import type { TellingEvent } from "../tellings.ts";

/** Attributes of a metric point or a log record. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The instruments: names, units (UCUM), what they count. */
export const METRICS = {
  opened: { name: "conntrail.connection.opened", unit: "{connection}", description: "Connections that began." },
  closed: { name: "conntrail.connection.closed", unit: "{connection}", description: "Connections that ended." },
  failed: {
    name: "conntrail.connection.failed",
    unit: "{connection}",
    description: "Attempts that never became connections.",
  },
  io: {
    name: "conntrail.connection.io",
    unit: "By",
    description: "Bytes of connections, by direction as the local end sees it.",
  },
} as const;

/** The name of a log record that tells of one connection. */
export const EVENT_NAME = "conntrail.connection";

/** The words for the two ends: who opened is known, or not. */
function rolesOf({ direction }: Connection): readonly [from: string, to: string] {
  const known = direction.confidence === "certain" || direction.confidence === "likely";
  return known ? ["client", "server"] : ["source", "destination"];
}

/** What metrics are summed by: the service and the two parties, without the client's port, so that the number of series stays that of the edges. */
export function edgeAttributes(connection: Connection): Attributes {
  const [from, to] = rolesOf(connection);
  return {
    "network.transport": connection.protocol,
    "network.type": connection.family,
    [`${from}.address`]: connection.from.address,
    [`${to}.address`]: connection.to.address,
    [`${to}.port`]: connection.to.port,
    ...processAttributes(connection, false),
  };
}

/** What a log record tells of one connection. */
export function connectionAttributes(connection: Connection, event: TellingEvent): Attributes {
  const [from, to] = rolesOf(connection);
  const { nat, counters } = connection;
  return {
    "network.transport": connection.protocol,
    "network.type": connection.family,
    [`${from}.address`]: connection.from.address,
    [`${from}.port`]: connection.from.port,
    [`${to}.address`]: connection.to.address,
    [`${to}.port`]: connection.to.port,
    ...processAttributes(connection, true),
    "conntrail.state": connection.state,
    "conntrail.event": event,
    "conntrail.count": connection.count,
    "conntrail.direction.evidence": connection.direction.evidence,
    "conntrail.direction.confidence": connection.direction.confidence,
    "conntrail.duration_ms": Math.max(0, Math.round(connection.lastSeenMs - connection.firstSeenMs)),
    ...(nat && {
      "conntrail.nat.kind": nat.kind,
      "conntrail.nat.from.address": nat.visible.from.address,
      "conntrail.nat.from.port": nat.visible.from.port,
      "conntrail.nat.to.address": nat.visible.to.address,
      "conntrail.nat.to.port": nat.visible.to.port,
    }),
    ...(counters && {
      "conntrail.from.bytes": counters.original.bytes,
      "conntrail.to.bytes": counters.reply.bytes,
    }),
  };
}

/** The local process as `process.*`; where both ends are on this host that is the opener, and the other one is the peer. */
function processAttributes({ from, to }: Connection, withPid: boolean): Attributes {
  const [own, peer]: readonly [End, End | undefined] = from.local ? [from, to.local ? to : undefined] : [to, undefined];
  return {
    ...(own.process !== null && { "process.executable.name": own.process }),
    ...(withPid && own.pid !== null && { "process.pid": own.pid }),
    ...(own.owner?.containerId && { "container.id": own.owner.containerId }),
    ...(peer?.process && { "conntrail.peer.process.executable.name": peer.process }),
    ...(withPid && peer?.pid && { "conntrail.peer.process.pid": peer.pid }),
  };
}

/** Which way bytes went, as the local end sees it: what the opener sent is `transmit` where the opener is local. */
export function ioDirection({ from }: Connection, sentByOpener: boolean): "transmit" | "receive" {
  return from.local === sentByOpener ? "transmit" : "receive";
}

/** The resource that everything belongs to. */
export function resourceAttributes(host: HostJson): Attributes {
  return { "service.name": "conntrail", "host.id": host.id, "host.name": host.name };
}
