/**
 * Looks at what goes into the pipeline of a replay, and keeps what speaks of one connection. A fact that is told again (a socket in every scan) is kept
 * once, and again when what it says has changed.
 */
import type { NameAnswer } from "@conntrail/capture";
import {
  ADDRESS_WORDS,
  CT_TCP_STATE,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  formatAddress,
  isIcmp,
  kindFlags,
  kindProtocol,
  kindState,
  MASTER,
  MASTER_WORDS,
  type Owner,
  PROTOCOL,
  protocolName,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
  type TraceBatch,
} from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { InputTap } from "../replay/input-tap.ts";
import type { Claim, Fact, FactSource } from "./explanation.ts";
import { endText, MeetingTuples } from "./meeting-tuples.ts";
import { directionClaim, listenerClaim, namesClaim, natClaim, processClaim, stateClaim } from "./verdicts.ts";

/** Facts that are kept of one row. */
const MAX_FACTS = 200;

/** Facts of one row. */
export class FactCollector implements InputTap {
  readonly facts: Fact[] = [];
  more = 0;
  /** Scans that were taken in. */
  scans = 0;
  readonly #row: ConnectionJson;
  readonly #wallAheadMs: number;
  readonly #tuples: MeetingTuples;
  /** What was told already, by who tells it. */
  readonly #told = new Map<string, string>();

  /** `wallAheadMs`: what the row's times are ahead of those of the inputs. */
  constructor(row: ConnectionJson, wallAheadMs = 0) {
    this.#wallAheadMs = wallAheadMs;
    this.#row = row;
    this.#tuples = new MeetingTuples(row);
  }

  flows({ rows, changes, count, masters }: FlowBatch): void {
    for (let i = 0, row = 0; i < count; i++, row += FLOW_WORDS) {
      const kind = rows[row + FLOW.kind]!;
      const protocol = protocolName(kindProtocol(kind));
      const original = ends(
        rows,
        row + FLOW.originalSource,
        row + FLOW.originalDestination,
        rows[row + FLOW.originalPorts]!,
      );
      const reply = ends(rows, row + FLOW.replySource, row + FLOW.replyDestination, rows[row + FLOW.replyPorts]!);
      if (!this.#tuples.has(protocol, ...original) && !this.#tuples.has(protocol, ...reply)) continue;
      const doubles = new Float64Array(rows.buffer, rows.byteOffset + row * 4, FLOW_WORDS / 2);
      const timeMs = doubles[FLOW.lastSeenMs / 2]!;
      const netns = rows[row + FLOW.netns]! || null;
      const flags = kindFlags(kind);
      const isNew = !this.#told.has(`flow ${netns} ${rows[row + FLOW.serial]!}`);
      const ended = (flags & FLOW_FLAG.closed) !== 0 || changes[i]! >= FLOW_CHANGE.destroyed;
      const word = stateWord(kind, changes[i]!);
      const translated = isTranslated(kindProtocol(kind), original, reply);
      const tuple = `${original.join(" → ")}${translated ? `, answered as ${reply.join(" → ")}` : ""}`;
      const claims = [
        ...(isNew ? [directionClaim(this.#row, this.#tuples.side(original[0]), flags)] : []),
        ...(isNew && translated ? [natClaim(this.#row)] : []),
        ...(ended ? [stateClaim(this.#row, changes[i] === FLOW_CHANGE.swept, kind)] : []),
      ];
      const source: FactSource = isNew && (flags & FLOW_FLAG.fromDump) !== 0 ? "dump" : "event";
      const text = isNew
        ? `conntrack has a flow: ${tuple}${word === "" ? "" : `, ${word}`}${beginning(flags)}${announcement(rows[row + FLOW.serial]!, masters)}`
        : `the flow is ${word}`;
      this.#keep(`flow ${netns} ${rows[row + FLOW.serial]!}`, word, { timeMs, source, netns, text, claims });
    }
  }

  sockets({ rows, count, owners, namespaces, timeMs }: SocketTable): void {
    this.scans++;
    const served = namespaces.filter(({ addresses }) => holds(addresses, this.#row.to.address));
    const isThere = (netns: number | null): boolean =>
      served.length === 0 || served.some((place) => place.netns === netns);
    for (let i = 0, row = 0; i < count; i++, row += SOCKET_WORDS) {
      const kind = rows[row + SOCKET.kind]!;
      const protocol = protocolName(kindProtocol(kind));
      const [local, remote] = ends(rows, row + SOCKET.local, row + SOCKET.remote, rows[row + SOCKET.ports]!);
      const netns = rows[row + SOCKET.netns]! || null;
      const owner = owners[rows[row + SOCKET.owner]! - 1];
      const who = processText(owner);
      const key = `socket ${netns} ${rows[row + SOCKET.cookieLow]!} ${rows[row + SOCKET.cookieHigh]!} ${local}`;
      if (this.#tuples.has(protocol, local, remote)) {
        const side = this.#tuples.side(local);
        const state = socketWord(kindState(kind));
        const claims = [processClaim(this.#row, side, owner, "held", rows[row + SOCKET.reason]!)];
        const text = `${who} has the socket ${local} → ${remote}, ${state}${this.#brought(side, local, netns, namespaces)}`;
        this.#keep(key, `${who} ${state}`, { timeMs, source: "socket", netns, text, claims });
      } else if (protocol === this.#row.protocol && this.#isListener(kind, local, remote) && isThere(netns)) {
        const claims = listenerClaim(this.#row, owner);
        this.#keep(key, who, { timeMs, source: "listener", netns, text: `${who} listens on ${local}`, claims });
      }
    }
  }

  trace({ rows, count, owners }: TraceBatch): void {
    for (let i = 0, row = 0; i < count; i++, row += TRACE_WORDS) {
      const kind = rows[row + TRACE.kind]!;
      const [local, remote] = ends(rows, row + TRACE.local, row + TRACE.remote, rows[row + TRACE.ports]!);
      if (!this.#tuples.has(protocolName(kindProtocol(kind)), local, remote)) continue;
      const side = this.#tuples.side(local);
      const owner = owners[rows[row + TRACE.owner]! - 1];
      const role = kindState(kind);
      const timeMs = new Float64Array(rows.buffer, rows.byteOffset + row * 4, TRACE_WORDS / 2)[TRACE.sinceMs / 2]!;
      const did = role === TRACE_ROLE.opened ? "opened" : role === TRACE_ROLE.sent ? "sent from" : "closed";
      const isLook = role === TRACE_ROLE.held;
      const claims = owner === undefined ? [] : [processClaim(this.#row, side, owner, isLook ? "held" : "trace", 0)];
      const text = isLook
        ? `a look found ${processText(owner)} with the socket ${local} → ${remote}`
        : `the kernel saw ${processText(owner)} call: it ${did} ${local} → ${remote}`;
      const netns = rows[row + TRACE.netns]! || null;
      this.#keep(`trace ${role} ${local}`, text, { timeMs, source: isLook ? "socket" : "trace", netns, text, claims });
    }
  }

  names(answers: readonly NameAnswer[], timeMs: number): void {
    for (const { address, names } of answers) {
      const text = formatAddress(address);
      for (const side of ["from", "to"] as const) {
        if (this.#row[side].address !== text) continue;
        const said = names.length === 0 ? `${text} has no name` : `${text} is ${names.join(", ")}`;
        const claims = names.length === 0 ? [] : [namesClaim(this.#row, side)];
        this.#keep(`name ${side}`, said, { timeMs, source: "name", netns: null, text: said, claims });
      }
    }
  }

  /** A socket of the called end may have an address that no interface of its namespace has. */
  #brought(side: "from" | "to", local: string, netns: number | null, namespaces: SocketTable["namespaces"]): string {
    const { to } = this.#row;
    const place = namespaces.find((each) => each.netns === netns);
    if (side !== "to" || place === undefined || local !== endText(to.address, to.port)) return "";
    if (/^(127\.|fe80:)/.test(to.address) || holds(place.addresses, to.address)) return "";
    return `; no interface there has ${to.address}: a rule (TPROXY) or a route of the type local brings it`;
  }

  /** A socket that waits for connections on the port of the `to` end, at its address or at any of that family. */
  #isListener(kind: number, local: string, remote: string): boolean {
    const waits = kindProtocol(kind) === PROTOCOL.tcp ? kindState(kind) === SOCKET_STATE.listen : /:0$/.test(remote);
    if (!waits) return false;
    const { to, family } = this.#row;
    if (local === endText(to.address, to.port) || (family === "ipv4" && local === `0.0.0.0:${to.port}`)) return true;
    return local === `[::]:${to.port}` && (family === "ipv6" || (kindFlags(kind) & SOCKET_FLAG.dualStack) !== 0);
  }

  #keep(key: string, said: string, fact: Omit<Fact, "time"> & { readonly timeMs: number }): void {
    if (this.#told.get(key) === said) return;
    this.#told.set(key, said);
    if (this.facts.length >= MAX_FACTS) {
      this.more++;
      return;
    }
    const { timeMs, ...rest } = fact;
    this.facts.push({
      time: new Date(timeMs + this.#wallAheadMs).toISOString(),
      ...rest,
      claims: rest.claims.filter(isClaim),
    });
  }
}

/** Original and reply are not each other's mirror. "Ports" of ICMP are types, and never are. */
function isTranslated(protocol: number, original: readonly string[], reply: readonly string[]): boolean {
  const end = (text: string): string => (isIcmp(protocol) ? text.slice(0, text.lastIndexOf(":")) : text);
  return end(original[0]!) !== end(reply[1]!) || end(original[1]!) !== end(reply[0]!);
}

/** True when the address is among those of a namespace. */
function holds(addresses: Uint32Array, address: string): boolean {
  for (let at = 0; at < addresses.length; at += ADDRESS_WORDS)
    if (formatAddress(addresses, at) === address) return true;
  return false;
}

function isClaim(claim: Claim | undefined): claim is Claim {
  return claim !== undefined;
}

function ends(words: Uint32Array, source: number, destination: number, ports: number): [string, string] {
  return [
    endText(formatAddress(words, source), ports >>> 16),
    endText(formatAddress(words, destination), ports & 0xffff),
  ];
}

function processText(owner: Owner | undefined): string {
  return owner === undefined ? "nobody known" : `${owner.process} (pid ${owner.pid})`;
}

/** The kernel's word for a flow's state. */
function stateWord(kind: number, change: number): string {
  if (change === FLOW_CHANGE.destroyed) return "destroyed";
  if (change === FLOW_CHANGE.swept) return "gone from a dump";
  if (change === FLOW_CHANGE.evicted) return "dropped from a full table";
  if (change === FLOW_CHANGE.released) return "gone with its namespace";
  if (kindProtocol(kind) !== PROTOCOL.tcp) return (kindFlags(kind) & FLOW_FLAG.replied) === 0 ? "unreplied" : "replied";
  return words(CT_TCP_STATE, kindState(kind));
}

function socketWord(state: number): string {
  return words(SOCKET_STATE, state);
}

/** `finWait` to FIN_WAIT: as the kernel's headers and tools have it. */
function words(states: Readonly<Record<string, number>>, state: number): string {
  const [name = ""] = Object.entries(states).find(([, value]) => value === state) ?? [];
  return name.replace(/([A-Z]|\d)/g, "_$1").toUpperCase();
}

/** Who had announced a flow to a helper of conntrack. */
function announcement(serial: number, masters: Uint32Array | undefined): string {
  if (masters === undefined) return "";
  for (let at = 0; at < masters.length; at += MASTER_WORDS) {
    if (masters[at + MASTER.serial] !== serial) continue;
    const [from, to] = ends(masters, at + MASTER.source, at + MASTER.destination, masters[at + MASTER.ports]!);
    return `; announced by ${protocolName(kindProtocol(masters[at + MASTER.kind]!))} ${from} → ${to}`;
  }
  return "";
}

/** What is known of how a flow began. */
function beginning(flags: number): string {
  if ((flags & FLOW_FLAG.pickedUp) !== 0) return "; picked up in the middle of the stream";
  if ((flags & FLOW_FLAG.fromDump) !== 0) return "; it was there before we looked";
  return (flags & FLOW_FLAG.beganUnseen) === 0 ? "" : "; its beginning was missed";
}
