/** What became of what a fact says, by the ladders that the stages go by: of directions and of processes, best first. */
import {
  CT_TCP_STATE,
  FLOW_FLAG,
  kindProtocol,
  kindState,
  OWNER_REASON,
  type Owner,
  type OwnerEvidence,
  PROTOCOL,
} from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { Claim } from "./explanation.ts";

type Side = "from" | "to";

const KNOWN_FROM: Readonly<Record<OwnerEvidence, string>> = {
  trace: "the kernel saw it open or close the connection",
  held: "it holds the socket",
  listener: "it listens on the port",
};

/** Conntrack's original tuple says who opened, unless it was picked up in the middle or its opening was not seen. */
export function directionClaim({ direction }: ConnectionJson, opener: Side, flags: number): Claim {
  const about = "direction";
  const unsure = (flags & (FLOW_FLAG.pickedUp | FLOW_FLAG.beganUnseen | FLOW_FLAG.fromDump)) !== 0;
  const { evidence, confidence } = direction;
  if (opener === "to") {
    return {
      about,
      verdict: "overruled",
      text: `its original tuple has it the other way round${unsure ? ", but its opening was not seen, so it is no evidence" : ""}; ${evidence} says otherwise`,
    };
  }
  if (evidence === "conntrack") {
    return { about, verdict: "decided", text: `its original tuple says who opened (${confidence})` };
  }
  const why = unsure ? "its opening was not seen, so it is no evidence" : "a better fact was there";
  return { about, verdict: "agrees", text: `its original tuple says the same; ${why} (${evidence}, ${confidence})` };
}

/** Original and reply differ: the kernel rewrote something. */
export function natClaim({ nat }: ConnectionJson): Claim {
  const about = "nat";
  if (nat === null)
    return { about, verdict: "overruled", text: "original and reply differ, but the row tells no translation" };
  return { about, verdict: "decided", text: `original and reply differ: ${nat.kind}` };
}

/** A flow that ended; `kind` is its FLOW.kind word. One that failed was refused, or given up. */
export function stateClaim({ state }: ConnectionJson, unseen: boolean, kind: number): Claim {
  const text = unseen ? "a complete dump no longer has it" : "the kernel says that it is over";
  const over = state === "closed" || state === "failed";
  const how =
    state === "failed" ? `: ${wasReset(kind) ? "a reset answered it: refused" : "given up without an answer"}` : "";
  return { about: "state", verdict: over ? "decided" : "agrees", text: over ? `${text}: ${state}${how}` : text };
}

/** TCP's CLOSE, which only a reset leads to. */
function wasReset(kind: number): boolean {
  return kindProtocol(kind) === PROTOCOL.tcp && kindState(kind) === CT_TCP_STATE.close;
}

/** A process that was found at an end, or a socket without one. */
export function processClaim(
  row: ConnectionJson,
  side: Side,
  owner: Owner | undefined,
  evidence: "held" | "trace",
  reason: number,
): Claim {
  const about = `${side}.process`;
  const { pid, process, ownerEvidence } = row[side];
  const told =
    pid === null ? "the row names none" : `the row names ${process} (pid ${pid}): ${KNOWN_FROM[ownerEvidence!]}`;
  if (owner === undefined) {
    return {
      about,
      verdict: "overruled",
      text: `the socket has no process (${OWNER_REASON[reason] ?? "unknown"}); ${told}`,
    };
  }
  if (pid !== owner.pid) return { about, verdict: "overruled", text: `${owner.process} (pid ${owner.pid}); ${told}` };
  const verdict = ownerEvidence === evidence ? "decided" : "agrees";
  return { about, verdict, text: verdict === "decided" ? KNOWN_FROM[evidence] : `the same; ${told}` };
}

/** A listener says which end is the server's, and who serves where its own socket was not seen. */
export function listenerClaim(row: ConnectionJson, owner: Owner | undefined): Claim[] {
  const { evidence, confidence } = row.direction;
  const decides = evidence === "listener";
  const direction: Claim = {
    about: "direction",
    verdict: decides ? "decided" : "agrees",
    text: decides ? `somebody waits for connections there (${confidence})` : `the same; the row goes by ${evidence}`,
  };
  const { pid, process, ownerEvidence } = row.to;
  if (owner === undefined) return [direction];
  const verdict = pid !== owner.pid ? "overruled" : ownerEvidence === "listener" ? "decided" : "agrees";
  const told =
    pid === null ? "the row names none" : `the row names ${process} (pid ${pid}): ${KNOWN_FROM[ownerEvidence!]}`;
  const text = verdict === "decided" ? KNOWN_FROM.listener : told;
  return [direction, { about: "to.process", verdict, text }];
}

/** An answer of a name server. */
export function namesClaim(row: ConnectionJson, side: Side): Claim {
  const has = row[side].names.length > 0;
  const text = has ? "the reverse lookup of its address" : "answered after the row was last told";
  return { about: `${side}.names`, verdict: has ? "decided" : "overruled", text };
}
