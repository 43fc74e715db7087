/** Filters, and the same questions as a reader of the JSON would ask them. */
import type { ConnectionJson } from "@conntrail/report";

type Plain = (c: ConnectionJson) => boolean;

/** An expression, and the same question as a reader of the JSON would ask it. */
export const EXPRESSIONS: readonly (readonly [string, Plain])[] = [
  ["to.port == 8080", (c) => c.to.port === 8080],
  ["to.port != 8080", (c) => c.to.port !== 8080],
  ["to.port >= 1024 && to.port < 10000", (c) => c.to.port >= 1024 && c.to.port < 10_000],
  ["to.port == 8080 && nat != null", (c) => c.to.port === 8080 && c.nat !== null],
  ["nat == null", (c) => c.nat === null],
  ["has(nat)", (c) => c.nat !== null],
  ['nat.kind == "dnat"', (c) => c.nat?.kind === "dnat"],
  ['nat.kind != "dnat"', (c) => c.nat?.kind !== "dnat"],
  ["nat.visible.to.port == 80", (c) => c.nat?.visible.to.port === 80],
  ['state == "failed"', (c) => c.state === "failed"],
  ['state in ["closed", "failed"]', (c) => c.state === "closed" || c.state === "failed"],
  ['!(state == "closed")', (c) => c.state !== "closed"],
  ['from.process == "app"', (c) => c.from.process === "app"],
  ["from.process == null", (c) => c.from.process === null],
  ["from.process == to.process", (c) => c.from.process === c.to.process],
  ['to.process.startsWith("data")', (c) => c.to.process?.startsWith("data") === true],
  ['to.process.glob("*a*e")', (c) => /^.*a.*e$/su.test(c.to.process ?? "")],
  ['"web.shop.example" in from.names', (c) => c.from.names.includes("web.shop.example")],
  ['to.names.exists(n, n.endsWith(".example"))', (c) => c.to.names.some((n) => n.endsWith(".example"))],
  ['to.names.all(n, n.contains("app"))', (c) => c.to.names.every((n) => n.includes("app"))],
  ["size(from.names) > 0", (c) => c.from.names.length > 0],
  ['to.address == "10.5.0.2"', (c) => c.to.address === "10.5.0.2"],
  ['cidr("10.4.0.0/16").containsIP(from.address)', (c) => /^10\.4\./.test(c.from.address)],
  ['family == "ipv4" && protocol == "tcp"', (c) => c.family === "ipv4" && c.protocol === "tcp"],
  ['"conntrack" in sources && size(sources) == 1', (c) => c.sources.includes("conntrack") && c.sources.length === 1],
  ["from.local || to.local", (c) => c.from.local || c.to.local],
  ["from.pid > 100", (c) => (c.from.pid ?? 0) > 100],
  ["count > 1 || mark != 0 || zone != 0", (c) => c.count > 1 || c.mark !== undefined || c.zone !== undefined],
  [
    'firstSeen > "2026-11-22T13:38:08Z"',
    (c) => c.firstSeen !== null && Date.parse(c.firstSeen) > Date.parse("2026-11-22T13:38:08Z"),
  ],
  [
    "counters.reply.bytes > counters.original.bytes",
    (c) => c.counters !== undefined && c.counters.reply.bytes > c.counters.original.bytes,
  ],
  ["bytes >= 1000", (c) => c.counters !== undefined && c.counters.original.bytes + c.counters.reply.bytes >= 1000],
  ['"transit" in flags', (c) => c.flags?.includes("transit") === true],
  [
    'direction.confidence == "certain" ? to.local : from.local',
    (c) => (c.direction.confidence === "certain" ? c.to.local : c.from.local),
  ],
  ["to.containerId != null", (c) => c.to.containerId !== undefined],
];
