/** What became of what a fact says, by the ladders that the stages go by: of directions and of processes, best first. */
import {
  CT_TCP_STATE,
  FLOW_FLAG,
  kindProtocol,
  kindState,
  OWNER_REASON,
  type Owner,
  type OwnerEvidence,
  type OwnerReason,
  PROTOCOL,
} from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { Claim } from "./explanation.ts";

type Side = "from" | "to";

/** What the process of an end is known from, in words. */
export type KnownFrom = Readonly<Record<OwnerEvidence, string>>;

/** What a direction is known from, in words. */
const EVIDENCE_TEXT: Readonly<Record<ConnectionJson["direction"]["evidence"], string>> = {
  conntrack: "conntrack",
  listener: "the listener",
  "ephemeral-port": "the ports",
  "port-order": "the order of the ports",
  none: "nothing",
};

/** UDP has neither a handshake nor a listening state. */
export function isDatagram(protocol: string): boolean {
  return protocol === "udp" || protocol === "udplite";
}

/** The words; `did`: what the trace told by now that the process did. */
export function knownFrom(did: ReadonlySet<string>): KnownFrom {
  const seen = did.size === 0 ? "the trace tells it" : `the kernel saw the process ${[...did].join(" and ")}`;
  return {
    trace: seen,
    held: "it holds the socket",
    listener: "it listens on the port",
  };
}

/** Conntrack's original tuple says who opened, unless it was picked up in the middle or its opening was not seen. */
export function directionClaim(
  { direction }: ConnectionJson,
  opener: Side,
  flags: number,
  isListenedOn: boolean,
): Claim {
  const about = "direction";
  const unsure = (flags & (FLOW_FLAG.pickedUp | FLOW_FLAG.beganUnseen | FLOW_FLAG.fromDump)) !== 0;
  const { evidence, confidence } = direction;
  const unseen = "its opening was not seen, so that is no evidence";
  if (opener === "to") {
    const other = `${EVIDENCE_TEXT[evidence]} ${evidence === "ephemeral-port" ? "say" : "says"} otherwise`;
    const why = unsure ? `${unseen}; ${other}` : other;
    return { about, verdict: "overruled", text: `conntrack has it the other way round; ${why}` };
  }
  if (evidence !== "conntrack") {
    const why = unsure ? unseen : "a better fact was there";
    return {
      about,
      verdict: "agrees",
      text: `conntrack has it this way, too; ${why} (the row goes by ${EVIDENCE_TEXT[evidence]}, ${confidence})`,
    };
  }
  if (!unsure) return { about, verdict: "decided", text: `conntrack saw the first packet go this way (${confidence})` };
  const why =
    confidence === "certain"
      ? `${isListenedOn ? "the listener" : "a listener, or what another namespace saw,"} confirms it`
      : "that moment was not seen here, and nothing confirms it";
  return { about, verdict: "decided", text: `conntrack keeps who opened it; ${why} (${confidence})` };
}

/** Where neither conntrack nor a listener says who opened: the ports, or an end that was still opening. */
export function portsClaim(
  { direction, from, to }: ConnectionJson,
  isOpening: boolean,
  range: { readonly low: number; readonly high: number } | undefined,
): Claim | undefined {
  if (direction.evidence !== "ephemeral-port") return undefined;
  const [about, verdict] = ["direction", "decided"] as const;
  if (isOpening) return { about, verdict, text: `this end was still opening it (${direction.confidence})` };
  const isClients = ({ port }: { readonly port: number }): boolean =>
    range !== undefined && port >= range.low && port <= range.high;
  if (range === undefined || !isClients(from) || isClients(to)) return undefined;
  const words = `port ${from.port} is of the range for clients (${range.low}–${range.high}), ${to.port} is not`;
  return { about, verdict, text: `${words} (${direction.confidence})` };
}

/** Original and reply differ: the kernel rewrote something. The ends as texts, source first. */
export function natClaim(
  { nat }: ConnectionJson,
  original: readonly [string, string],
  reply: readonly [string, string],
): Claim {
  const about = "nat";
  const from = original[1] === reply[0] ? [] : [`replies come from ${reply[0]}, not from ${original[1]}`];
  const to = original[0] === reply[1] ? [] : [`replies go to ${reply[1]}, not to ${original[0]}`];
  const text = [...from, ...to].join("; ");
  if (nat === null) return { about, verdict: "overruled", text: `${text}; but the row tells no translation` };
  return { about, verdict: "decided", text: `${text} (${nat.kind})` };
}

/** A flow that ended; `kind` is its FLOW.kind word. One that failed was refused, or given up. */
export function stateClaim(
  { state }: ConnectionJson,
  ended: { readonly unseen: boolean; readonly isReset: boolean; readonly kind: number },
): Claim {
  const about = "state";
  const told = ended.unseen ? "a complete dump no longer has it" : "the kernel says that it is over";
  if (state === "failed") {
    const how = ended.isReset ? "refused (answered by a reset)" : "given up without an answer";
    return { about, verdict: "decided", text: `failed: ${how}${ended.unseen ? `; ${told}` : ""}` };
  }
  if (state !== "closed") return { about, verdict: "agrees", text: told };
  const isTold = kindProtocol(ended.kind) !== PROTOCOL.tcp || kindState(ended.kind) !== CT_TCP_STATE.none;
  return { about, verdict: "decided", text: `closed: ${told}${isTold ? "" : ", and not how it ended"}` };
}

/** TCP's CLOSE, which only a reset leads to. */
export function wasReset(kind: number): boolean {
  return kindProtocol(kind) === PROTOCOL.tcp && kindState(kind) === CT_TCP_STATE.close;
}

/** Why a socket has no process, in words. */
const NOBODY: Partial<Record<OwnerReason, string>> = {
  "no-process": "no process has a descriptor of it",
  permission: "its process may not be inspected",
  ambiguous: "several programs hold it",
  off: "processes were not looked for",
};

const SEVERAL = "it fits, and so does another: the row names none";

/** A process that was found at an end, or a socket without one. `text`: what the fact itself saw of it. */
export function processClaim(
  row: ConnectionJson,
  side: Side,
  found: {
    readonly owner: Owner | undefined;
    readonly evidence: "held" | "trace";
    readonly reason: number;
    readonly text: string;
  },
  known: KnownFrom,
): Claim {
  const about = `${side}.process`;
  const { pid, ownerEvidence } = row[side];
  const { owner } = found;
  if (owner === undefined) {
    const text = `${NOBODY[OWNER_REASON[found.reason]!] ?? "nobody is known to have it"}; ${toldText(row, side, known)}`;
    return { about, verdict: pid === null ? "agrees" : "overruled", text };
  }
  if (row[side].ownerReason === "ambiguous") return { about, verdict: "overruled", text: SEVERAL };
  if (pid !== owner.pid) {
    const text = `${owner.process} (pid ${owner.pid}); ${toldText(row, side, known)}`;
    return { about, verdict: "overruled", text };
  }
  if (ownerEvidence === found.evidence) return { about, verdict: "decided", text: found.text };
  return { about, verdict: "agrees", text: `${found.text}; better known: ${known[ownerEvidence!]}` };
}

/** A listener says which end is the server's, and who serves where its own socket was not seen. A bound UDP port is none: clients bind theirs, too. */
export function listenerClaim(row: ConnectionJson, owner: Owner | undefined, known: KnownFrom): Claim[] {
  const { evidence, confidence } = row.direction;
  const decides = evidence === "listener";
  const waits = isDatagram(row.protocol)
    ? "that end has the port bound, which agrees, weakly: clients of UDP bind theirs, too"
    : "somebody waits for connections there";
  const direction: Claim = {
    about: "direction",
    verdict: decides ? "decided" : "agrees",
    text: `${waits} (${decides ? confidence : `the row goes by ${EVIDENCE_TEXT[evidence]}`})`,
  };
  const { pid, ownerEvidence } = row.to;
  if (owner === undefined) return [direction];
  const about = "to.process";
  if (row.to.ownerReason === "ambiguous") return [direction, { about, verdict: "overruled", text: SEVERAL }];
  if (pid !== owner.pid) return [direction, { about, verdict: "overruled", text: toldText(row, "to", known) }];
  const verdict = ownerEvidence === "listener" ? "decided" : "agrees";
  const text = `${known.listener}${verdict === "decided" ? "" : `; better known: ${known[ownerEvidence!]}`}`;
  return [direction, { about, verdict, text }];
}

/** An answer of a name server. */
export function namesClaim(row: ConnectionJson, side: Side): Claim {
  const has = row[side].names.length > 0;
  const text = has ? "the reverse lookup of its address" : "answered after the row was last told";
  return { about: `${side}.names`, verdict: has ? "decided" : "overruled", text };
}

/** Whom the row names at an end, and from what. */
function toldText(row: ConnectionJson, side: Side, known: KnownFrom): string {
  const { pid, process, ownerEvidence } = row[side];
  return pid === null ? "the row names none" : `the row names ${process} (pid ${pid}): ${known[ownerEvidence!]}`;
}
