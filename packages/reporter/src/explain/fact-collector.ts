/**
 * Looks at what goes into the pipeline of a replay, and keeps what speaks of one connection. A fact that is told again (a socket in every scan) is kept
 * once, and again when what it says has changed.
 */
import type { NameAnswer } from "@conntrail/capture";
import {
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  formatAddress,
  kindFlags,
  kindProtocol,
  kindState,
  type NameInquiry,
  type NamespaceFacts,
  OWNER_REASON,
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
import type { Claim, Explanation, Fact, FactSource } from "./explanation.ts";
import { announcement, newFlowText, socketWord, stateWord, tupleText } from "./flow-text.ts";
import { heldText, NOBODYS, processText } from "./held-text.ts";
import { endText, MeetingTuples } from "./meeting-tuples.ts";
import { ends, isTranslated, shown } from "./row-ends.ts";
import { holds, ScanFindings } from "./scan-findings.ts";
import {
  directionClaim,
  isDatagram,
  knownFrom,
  listenerClaim,
  namesClaim,
  natClaim,
  portsClaim,
  processClaim,
  stateClaim,
  wasReset,
} from "./verdicts.ts";

/** Facts that are kept of one row. */
const MAX_FACTS = 200;

type Told = Omit<Fact, "time" | "netnsName"> & { readonly timeMs: number };

/** Facts of one row. */
export class FactCollector implements InputTap {
  more = 0;
  /** How a connection that failed ended. Undefined while no end of it was told. */
  outcome: Explanation["outcome"];
  /** What the scans showed. */
  readonly found: ScanFindings;
  /** Namespaces whose conntrack told of it, and those whose conntrack told of anything. */
  readonly trackers: Set<number> = new Set();
  readonly tracking: Set<number> = new Set();
  /** Namespaces whose conntrack counts. */
  readonly counting: Set<number> = new Set();
  /** Who was seen to open it, and to send a datagram of it, at either end. */
  readonly openers: { from?: string; to?: string } = {};
  readonly senders: { from?: string; to?: string } = {};
  /** When the first of these datagrams was sent, Unix milliseconds. */
  readonly sentMs: { from?: number; to?: number } = {};
  /** The trace ran by then, by the row's clock; undefined where nothing of it is kept. */
  tracedFromMs: number | undefined;
  /** It looks at a recording that can be asked again, and that has no more than it has. */
  isRecorded = false;
  /** The kernel told that it has forgotten the flow: with that it tells the numbers. */
  isForgotten = false;
  /** The called address is none of an interface where its socket is. */
  isBrought = false;
  readonly #facts: Told[] = [];
  readonly #decided = new Set<string>();
  /** What the trace saw the process of an end do. */
  readonly #did = { from: new Set<string>(), to: new Set<string>() };
  readonly #inquiries = new Map<string, NameInquiry>();
  #isReset = false;
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
    this.found = new ScanFindings(row, wallAheadMs);
  }

  /** What was told, in the order in which it came. */
  get facts(): readonly Fact[] {
    return this.#facts.map(({ timeMs, source, netns, text, claims }): Fact => {
      const netnsName = netns === null ? undefined : this.found.nameOf(netns);
      const time = new Date(timeMs + this.#wallAheadMs).toISOString();
      return { time, source, netns, ...(netnsName !== undefined && { netnsName }), text, claims };
    });
  }

  /** What became of the question for the name of an address; undefined where nobody told. */
  inquiry(address: string): NameInquiry | undefined {
    return this.#inquiries.get(address);
  }

  flows({ rows, changes, count, masters }: FlowBatch): void {
    for (let i = 0, row = 0; i < count; i++, row += FLOW_WORDS) {
      const kind = rows[row + FLOW.kind]!;
      const netns = rows[row + FLOW.netns]! || null;
      if (netns !== null) this.tracking.add(netns);
      const doubles = new Float64Array(rows.buffer, rows.byteOffset + row * 4, FLOW_WORDS / 2);
      if (netns !== null && doubles[FLOW.originalPackets / 2]! >= 0) this.counting.add(netns);
      const protocol = protocolName(kindProtocol(kind));
      const ports = { original: rows[row + FLOW.originalPorts]!, reply: rows[row + FLOW.replyPorts]! };
      const original = ends(rows, row + FLOW.originalSource, row + FLOW.originalDestination, ports.original);
      const reply = ends(rows, row + FLOW.replySource, row + FLOW.replyDestination, ports.reply);
      if (!this.#tuples.has(protocol, ...original) && !this.#tuples.has(protocol, ...reply)) continue;
      const timeMs = doubles[FLOW.lastSeenMs / 2]!;
      if (netns !== null) this.trackers.add(netns);
      const flags = kindFlags(kind);
      const key = `flow ${netns} ${rows[row + FLOW.serial]!}`;
      const isNew = !this.#told.has(key);
      const change = changes[i]!;
      const ended = (flags & FLOW_FLAG.closed) !== 0 || change >= FLOW_CHANGE.destroyed;
      const word = stateWord(kind, change);
      const translated = isTranslated(kindProtocol(kind), original, reply);
      const tuple = `${tupleText(protocol, rows, row + FLOW.originalSource, row + FLOW.originalDestination, ports.original)}${
        translated
          ? `, answered as ${tupleText(protocol, rows, row + FLOW.replySource, row + FLOW.replyDestination, ports.reply)}`
          : ""
      }`;
      if (change === FLOW_CHANGE.destroyed) this.isForgotten = true;
      if (ended) this.#isReset ||= wasReset(kind);
      const claims = [
        ...(isNew ? [directionClaim(this.#row, this.#tuples.side(original[0]), flags, this.found.isListenedOn)] : []),
        ...(isNew && translated
          ? [natClaim(this.#row, shown(kindProtocol(kind), original), shown(kindProtocol(kind), reply))]
          : []),
        ...(ended
          ? [stateClaim(this.#row, { unseen: change === FLOW_CHANGE.swept, isReset: this.#isReset, kind })]
          : []),
      ];
      if (ended && this.#row.state === "failed") this.outcome = this.#isReset ? "refused" : "no answer";
      const source: FactSource = isNew && (flags & FLOW_FLAG.fromDump) !== 0 ? "dump" : "event";
      const text = isNew
        ? newFlowText(tuple, kind, change, announcement(rows[row + FLOW.serial]!, masters))
        : `the flow is ${word}`;
      this.#keep(key, word, { timeMs, source, netns, text, claims });
    }
  }

  sockets(table: SocketTable): void {
    const { rows, count, owners, timeMs } = table;
    this.found.take(table);
    const served = this.found.homes(this.#row.to.address);
    const isThere = (netns: number | null): boolean =>
      served.length === 0 ? this.#row.to.local : served.some((place) => place.netns === netns);
    for (let i = 0, row = 0; i < count; i++, row += SOCKET_WORDS) {
      const kind = rows[row + SOCKET.kind]!;
      const protocol = protocolName(kindProtocol(kind));
      const [local, remote] = ends(rows, row + SOCKET.local, row + SOCKET.remote, rows[row + SOCKET.ports]!);
      const netns = rows[row + SOCKET.netns]! || null;
      const owner = owners[rows[row + SOCKET.owner]! - 1];
      const reason = rows[row + SOCKET.reason]!;
      const who = owner === undefined ? (NOBODYS[OWNER_REASON[reason]!] ?? "a socket") : processText(owner);
      const cookie = `${rows[row + SOCKET.cookieLow]!} ${rows[row + SOCKET.cookieHigh]!} ${rows[row + SOCKET.inode]!}`;
      const key = `socket ${netns} ${cookie} ${local}`;
      if (this.#tuples.has(protocol, local, remote)) {
        const side = this.#tuples.side(local);
        const word = socketWord(kind);
        const what = `${local} → ${remote}, ${word}`;
        const state = isDatagram(protocol) ? "" : word;
        const isBare = rows[row + SOCKET.inode] === 0;
        this.found.hold(side, `${key} ${who}`, { who, isHeld: owner !== undefined, netns, what, state, isBare });
        const known = knownFrom(this.#did[side]);
        const found = { owner, evidence: "held", reason, text: known.held } as const;
        const place = this.found.namespace(netns);
        const isOpening = side === "from" && kindState(kind) === SOCKET_STATE.synSent;
        const claims = [
          processClaim(this.#row, side, found, known),
          portsClaim(this.#row, isOpening, place?.ephemeral),
        ];
        const isBrought = this.#isBrought(side, local, place);
        this.isBrought ||= isBrought;
        const brought = isBrought ? `; no interface there has ${this.#row.to.address}` : "";
        const text = `${heldText(owner, reason, "has the socket", what)}${brought}`;
        this.#keep(key, `${who} ${word}`, { timeMs, source: "socket", netns, text, claims });
      } else if (protocol === this.#row.protocol && this.#isListener(kind, local, remote) && isThere(netns)) {
        const what = `${isDatagram(protocol) ? "takes datagrams" : "listens"} on ${local}`;
        const listening = { who, isHeld: owner !== undefined, netns, what, state: "", isBare: false };
        this.found.listeners.set(`${key} ${who}`, listening);
        const claims = listenerClaim(this.#row, owner, knownFrom(this.#did.to));
        this.#keep(key, who, { timeMs, source: "listener", netns, text: heldText(owner, reason, "", what), claims });
      }
    }
  }

  trace({ rows, count, owners, timeMs: toldMs, health }: TraceBatch): void {
    this.tracedFromMs = health.state === "off" ? undefined : (this.tracedFromMs ?? toldMs + this.#wallAheadMs);
    for (let i = 0, row = 0; i < count; i++, row += TRACE_WORDS) {
      const kind = rows[row + TRACE.kind]!;
      const [local, remote] = ends(rows, row + TRACE.local, row + TRACE.remote, rows[row + TRACE.ports]!);
      if (!this.#tuples.has(protocolName(kindProtocol(kind)), local, remote)) continue;
      const side = this.#tuples.side(local);
      const owner = owners[rows[row + TRACE.owner]! - 1];
      const role = kindState(kind);
      const timeMs = new Float64Array(rows.buffer, rows.byteOffset + row * 4, TRACE_WORDS / 2)[TRACE.sinceMs / 2]!;
      const isSent = role === TRACE_ROLE.sent;
      const verb = role === TRACE_ROLE.opened ? "open" : "close";
      const did = isSent ? "send a datagram" : `${verb} it`;
      const isLook = role === TRACE_ROLE.held;
      const known = knownFrom(this.#did[side]);
      const found = isLook
        ? ({ owner, evidence: "held", reason: 0, text: known.held } as const)
        : ({ owner, evidence: "trace", reason: 0, text: `the kernel saw the process ${did}` } as const);
      const claims = owner === undefined ? [] : [processClaim(this.#row, side, found, known)];
      if (!isLook && owner?.pid === this.#row[side].pid) this.#did[side].add(did);
      if (isSent) {
        this.senders[side] = processText(owner);
        this.sentMs[side] = Math.min(this.sentMs[side] ?? timeMs, timeMs);
      }
      if (role === TRACE_ROLE.opened) this.openers[side] = processText(owner);
      const what = isSent ? `${did} from ${local} to ${remote}` : `${verb} ${local} → ${remote}`;
      const text = isLook
        ? `a look found ${processText(owner)} with the socket ${local} → ${remote}`
        : `the kernel saw ${processText(owner)} ${what}`;
      const netns = rows[row + TRACE.netns]! || null;
      this.#keep(`trace ${role} ${local}`, text, { timeMs, source: isLook ? "socket" : "trace", netns, text, claims });
    }
  }

  names(answers: readonly NameAnswer[], timeMs: number): void {
    for (const { address, names, inquiry } of answers) {
      const text = formatAddress(address);
      for (const side of ["from", "to"] as const) {
        if (this.#row[side].address !== text) continue;
        if (names.length > 0) this.#inquiries.delete(text);
        else if (inquiry !== undefined) this.#inquiries.set(text, inquiry);
        if (names.length === 0 && inquiry !== undefined && inquiry.outcome !== "none") continue;
        const said = names.length === 0 ? `${text} has no name` : `${text} is ${names.join(", ")}`;
        const claims = names.length === 0 ? [] : [namesClaim(this.#row, side)];
        this.#keep(`name ${side}`, said, { timeMs, source: "name", netns: null, text: said, claims });
      }
    }
  }

  /** A socket of the called end may have an address that no interface of its namespace has. */
  #isBrought(side: "from" | "to", local: string, place: NamespaceFacts | undefined): boolean {
    const { to } = this.#row;
    if (side !== "to" || place === undefined || local !== endText(to.address, to.port)) return false;
    return !/^(127\.|fe80:)/.test(to.address) && !holds(place.addresses, to.address);
  }

  /** A socket that waits for connections on the port of the `to` end, at its address or at any of that family. */
  #isListener(kind: number, local: string, remote: string): boolean {
    const waits = kindProtocol(kind) === PROTOCOL.tcp ? kindState(kind) === SOCKET_STATE.listen : /:0$/.test(remote);
    if (!waits) return false;
    const { to, family } = this.#row;
    if (local === endText(to.address, to.port) || (family === "ipv4" && local === `0.0.0.0:${to.port}`)) return true;
    return local === `[::]:${to.port}` && (family === "ipv6" || (kindFlags(kind) & SOCKET_FLAG.dualStack) !== 0);
  }

  #keep(
    key: string,
    said: string,
    fact: Omit<Told, "claims"> & { readonly claims: readonly (Claim | undefined)[] },
  ): void {
    if (this.#told.get(key) === said) return;
    this.#told.set(key, said);
    if (this.#facts.length >= MAX_FACTS) {
      this.more++;
      return;
    }
    this.#facts.push({ ...fact, claims: fact.claims.filter(isClaim).map((claim) => this.#first(claim)) });
  }

  /** One fact decides; what says the same after it confirms. Of names the last answer counts. */
  #first(claim: Claim): Claim {
    const { about, verdict } = claim;
    if (verdict !== "decided" || about.endsWith("names")) return claim;
    if (this.#decided.has(about)) return { ...claim, verdict: "agrees" };
    this.#decided.add(about);
    return claim;
  }
}

function isClaim(claim: Claim | undefined): claim is Claim {
  return claim !== undefined;
}
