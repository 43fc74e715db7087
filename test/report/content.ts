/** Builds reports by hand: connections as short objects, turned into columns the way the merge fills them. */
import {
  allocateColumns,
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type Confidence,
  type ConnectionState,
  EVIDENCE,
  type Evidence,
  FAMILY,
  indexOf,
  isIpv4,
  type Master,
  NAT_KIND,
  type NatKind,
  OWNER_REASON,
  type Owner,
  type OwnerReason,
  parseAddress,
  protocolNumber,
  type ReportContent,
  SOURCE,
} from "@conntrail/model";
import { SURROUNDINGS } from "./surroundings.ts";

/** The end of every window: 2026-01-15T12:00:00Z. */
export const END_MS: number = SURROUNDINGS.window.endMs;

/** One connection. Ends are `ADDRESS PORT`. What is left out is the plain case: TCP, established, seen by both, remote ends. */
export interface Row {
  /** Number of the connection; 0 where none is said. */
  readonly id?: number;
  readonly from: string;
  readonly to: string;
  /** The opener as the server saw it, and the server as the opener saw it, where they differ. */
  readonly visibleFrom?: string;
  readonly visibleTo?: string;
  readonly nat?: NatKind;
  readonly protocol?: string;
  readonly netns?: number;
  readonly zone?: number;
  readonly mark?: number;
  readonly sources?: readonly (keyof typeof SOURCE)[];
  readonly flags?: readonly (keyof typeof CONNECTION_FLAG)[];
  readonly evidence?: Evidence;
  readonly confidence?: Confidence;
  readonly state?: ConnectionState;
  readonly fromOwner?: Owner | OwnerReason;
  readonly toOwner?: Owner | OwnerReason;
  /** The process is known only from the port it listens on. */
  readonly toListener?: boolean;
  readonly fromNames?: readonly string[];
  readonly toNames?: readonly string[];
  readonly count?: number;
  /** Who announced it. */
  readonly master?: Master;
  readonly ageMs?: number;
  readonly idleMs?: number;
  /** Packets and bytes, original then reply. */
  readonly counters?: readonly [number, number, number, number];
  /** The same where a double does not hold them; `counters` are then the nearest. */
  readonly exact?: readonly [bigint, bigint, bigint, bigint];
}

/** A report of these connections; `rest` replaces members of the surroundings. */
export function makeContent(rows: readonly Row[], rest: Partial<ReportContent> = {}): ReportContent {
  const columns = allocateColumns(rows.length);
  columns.length = rows.length;
  const owners: Owner[] = [];
  const names: (readonly string[])[] = [];
  const masters: Master[] = [];
  const exact: bigint[] = [];
  const parsed = new Map<string, Uint32Array>();
  for (const [i, row] of rows.entries()) {
    const from = parseEnd(row.from, parsed);
    const to = parseEnd(row.to, parsed);
    const visibleFrom = parseEnd(row.visibleFrom ?? row.from, parsed);
    const visibleTo = parseEnd(row.visibleTo ?? row.to, parsed);
    columns.id[i] = row.id ?? 0;
    columns.originalSource.set(from.address, i * 4);
    columns.originalDestination.set(visibleTo.address, i * 4);
    columns.replySource.set(to.address, i * 4);
    columns.replyDestination.set(visibleFrom.address, i * 4);
    columns.originalPorts[i] = (from.port << 16) | visibleTo.port;
    columns.replyPorts[i] = (to.port << 16) | visibleFrom.port;
    columns.protocol[i] = protocolNumber(row.protocol ?? "tcp")!;
    columns.family[i] = isIpv4(from.address) ? FAMILY.ipv4 : FAMILY.ipv6;
    columns.netns[i] = row.netns ?? 4_026_531_833;
    columns.zone[i] = row.zone ?? 0;
    columns.mark[i] = row.mark ?? 0;
    columns.sources[i] = bits(SOURCE, row.sources ?? ["conntrack", "sockets"]);
    columns.flags[i] = bits(CONNECTION_FLAG, row.flags ?? []);
    columns.evidence[i] = indexOf(EVIDENCE, row.evidence ?? "conntrack");
    columns.confidence[i] = indexOf(CONFIDENCE, row.confidence ?? "certain");
    columns.state[i] = indexOf(CONNECTION_STATE, row.state ?? "established");
    columns.nat[i] = indexOf(NAT_KIND, row.nat ?? "none");
    columns.fromOwner[i] = ownerIndex(owners, row.fromOwner);
    columns.toOwner[i] = ownerIndex(owners, row.toOwner);
    columns.fromReason[i] = indexOf(OWNER_REASON, reason(row.fromOwner));
    columns.toReason[i] = indexOf(OWNER_REASON, row.toListener === true ? "listener" : reason(row.toOwner));
    columns.fromNames[i] = row.fromNames === undefined ? 0 : names.push(row.fromNames);
    columns.toNames[i] = row.toNames === undefined ? 0 : names.push(row.toNames);
    columns.master[i] = row.master === undefined ? 0 : masters.push(row.master);
    columns.count[i] = row.count ?? 1;
    columns.firstSeenMs[i] = END_MS - (row.ageMs ?? 5000);
    columns.lastSeenMs[i] = END_MS - (row.idleMs ?? 0);
    const digits = row.exact;
    const counters = digits === undefined ? row.counters : digits.map(Number);
    columns.exact[i] = digits === undefined ? 0 : exact.push(...digits) / digits.length;
    const [originalPackets = -1, originalBytes = -1, replyPackets = -1, replyBytes = -1] = counters ?? [];
    columns.originalPackets[i] = originalPackets;
    columns.originalBytes[i] = originalBytes;
    columns.replyPackets[i] = replyPackets;
    columns.replyBytes[i] = replyBytes;
  }
  return { ...SURROUNDINGS, owners, names, masters, exact, columns, ...rest };
}

/** A process. */
export function makeOwner(pid: number, process: string, rest: Partial<Owner> = {}): Owner {
  return {
    pid,
    startTicks: 1000 + pid,
    process,
    ppid: 1,
    cmdline: `/usr/bin/${process}`,
    cgroup: "",
    containerId: "",
    ...rest,
  };
}

/** Rows of a busy host share most of their addresses: each is parsed once. */
function parseEnd(text: string, parsed: Map<string, Uint32Array>): { address: Uint32Array; port: number } {
  const [address, port] = text.split(" ") as [string, string];
  const words = parsed.get(address) ?? parseAddress(address)!;
  parsed.set(address, words);
  return { address: words, port: Number(port) };
}

function ownerIndex(owners: Owner[], owner: Owner | OwnerReason | undefined): number {
  if (owner === undefined || typeof owner === "string") return 0;
  return owners.includes(owner) ? 1 + owners.indexOf(owner) : owners.push(owner);
}

function reason(owner: Owner | OwnerReason | undefined): OwnerReason {
  if (owner === undefined) return "not-local";
  return typeof owner === "string" ? owner : "known";
}

function bits<T extends Readonly<Record<string, number>>>(values: T, words: readonly (keyof T)[]): number {
  return words.reduce((all, word) => all | values[word]!, 0);
}
