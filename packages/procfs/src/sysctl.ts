/** /proc/sys: proc_sys(5), the kernel's Documentation/networking/{ip-sysctl,nf_conntrack-sysctl}.rst. What lies under `net` belongs to the reading thread's network namespace. */
import { ParseError } from "./errors.ts";
import { readText } from "./read-file.ts";

/** A setting by its dotted name, `net.netfilter.nf_conntrack_events`; `undefined` when the kernel has no such file. Throws OpError, ParseError. */
export function readSysctlNumber(root: string, name: string): number | undefined {
  const text = readText(`${root}/sys/${name.replaceAll(".", "/")}`);
  return text === undefined ? undefined : parseSysctlNumber(name, text);
}

/** Parses a setting of one whole number. Throws ParseError. */
export function parseSysctlNumber(name: string, text: string): number {
  const trimmed = text.trim();
  if (!/^-?\d+$/.test(trimmed)) throw new ParseError("bad-number", `sys/${name}`, "value", text);
  return Number(trimmed);
}

/** Ports that the kernel gives to sockets which did not choose one, both ends included. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

const PORT_RANGE = "net.ipv4.ip_local_port_range";

/** Reads net.ipv4.ip_local_port_range, which is also IPv6's; `undefined` when there is no such file. Throws OpError, ParseError. */
export function readPortRange(root: string): PortRange | undefined {
  const text = readText(`${root}/sys/${PORT_RANGE.replaceAll(".", "/")}`);
  return text === undefined ? undefined : parsePortRange(text);
}

/** Parses two numbers with a tab between them. Throws ParseError. */
export function parsePortRange(text: string): PortRange {
  const [, low, high] = /^\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(text) ?? [];
  if (low === undefined || high === undefined) throw new ParseError("bad-text", `sys/${PORT_RANGE}`, "range", text);
  return { low: Number(low), high: Number(high) };
}
