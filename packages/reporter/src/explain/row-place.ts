/** Commands that look at where a row is from, and what namespaces are called in a text. */
import { ADDRESS_WORDS, formatAddress, placeText } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { Candidate, ScanFindings } from "./scan-findings.ts";

/** Lists the rules of nftables, those of iptables-nft among them, and not those of iptables-legacy. */
export const LIST_RULES = "nft list ruleset";
/** Where others may be. */
export const LEGACY = "rules of iptables-legacy: iptables-legacy-save";

/** Namespaces or candidates that are named one by one. */
const MOST_NAMED = 6;

/** The command, in the row's network namespace where that has a name that `ip netns` takes. */
export function inNamespace({ netnsName }: ConnectionJson, command: string): string {
  return inNamed(netnsName, command);
}

/** The command in the namespace of that name. */
export function inNamed(name: string | undefined, command: string): string {
  return name !== undefined && /^[\w.-]+$/.test(name) ? `ip netns exec ${name} ${command}` : command;
}

/** The command in the one namespace that has the address; where none or several have it, as it stands. */
export function whereAddress(found: ScanFindings, address: string, command: string): string {
  const homes = found.homes(address);
  return inNamed(homes.length === 1 ? homes[0]!.name : undefined, command);
}

/** What a namespace is called: its name, else its number. */
export function namespaceText(found: ScanFindings, netns: number): string {
  return found.nameOf(netns) ?? `namespace ${netns}`;
}

/** `curl (pid 7) in web: 10.0.0.1:80 → 10.0.0.2:4711`, one after another. */
export function candidatesText(found: ScanFindings, candidates: Iterable<Candidate>): string {
  const texts = Array.from(candidates, ({ who, netns, what }) => {
    const place = netns === null ? "" : ` in ${namespaceText(found, netns)}`;
    return `${who}${place}: ${what}`;
  });
  return listed(texts, "; ");
}

/** The namespaces that the latest scan read: how many, and what they are called. */
export function lookedInto(found: ScanFindings): string {
  const names = found.namespaces.map(({ netns }) => namespaceText(found, netns));
  if (names.length === 0) return "";
  return names.length === 1 ? `one namespace (${names[0]})` : `${names.length} namespaces (${listed(names, ", ")})`;
}

/**
 * Who lists the rules that could track a row which conntrack tells nothing of: where its ends are, and those that may lie between them, which have more
 * than one address. With a word on who tracks others.
 */
export function rulesOnTheWay(row: ConnectionJson, found: ScanFindings, tracking: ReadonlySet<number>): string {
  const places = placesOnTheWay(row, found);
  const [, ...others] = places.map((netns) => namespaceText(found, netns));
  const same = others.length === 0 ? "" : `, and the same in ${listed(others, ", ")}`;
  const command = places.length === 0 ? LIST_RULES : inNamed(found.nameOf(places[0]!), LIST_RULES);
  const tracks = trackingOnTheWay(row, found, tracking);
  const place = placeText(row.protocol, row.to);
  const look =
    tracks.length === 0
      ? `no ct at all, or notrack, for ${place}?`
      : `others are tracked in ${listed(tracks, ", ")}: is there a notrack for ${place}?`;
  return `${command}${same}  (${look}; ${LEGACY})`;
}

/** What those of them are called that track others. */
export function trackingOnTheWay(row: ConnectionJson, found: ScanFindings, tracking: ReadonlySet<number>): string[] {
  return placesOnTheWay(row, found)
    .filter((netns) => tracking.has(netns))
    .map((netns) => namespaceText(found, netns));
}

/** Looks for datagrams of a row, whichever way. */
export function datagramsLook(row: ConnectionJson): string {
  const { to } = row;
  return `${inNamespace(row, `tcpdump -ni any 'udp port ${to.port} and host ${to.address}'`)}  (does anything go either way?)`;
}

/** The namespaces that could track a row: where its ends are, and those that may lie between. */
function placesOnTheWay(row: ConnectionJson, found: ScanFindings): number[] {
  const ends = new Set(
    [row.from, row.to].flatMap(({ address }) => {
      const homes = found.homes(address);
      return homes.length === 1 ? [homes[0]!.netns] : [];
    }),
  );
  if (ends.size === 0 && row.netns !== null) ends.add(row.netns);
  const isOne = ends.size === 1 && row.from.local && row.to.local;
  const between = isOne
    ? []
    : found.namespaces.filter(({ netns, addresses }) => !ends.has(netns) && isRouter(addresses));
  return [...ends, ...between.map(({ netns }) => netns)];
}

/** More than one address, loopback's not counted. */
function isRouter(addresses: Uint32Array): boolean {
  let count = 0;
  for (let at = 0; at < addresses.length; at += ADDRESS_WORDS) {
    if (!/^(127\.|::1$|fe80:)/.test(formatAddress(addresses, at))) count++;
  }
  return count > 1;
}

function listed(texts: readonly string[], between: string): string {
  const left = texts.length - MOST_NAMED;
  return `${texts.slice(0, MOST_NAMED).join(between)}${left > 0 ? `${between}and ${left} more` : ""}`;
}
