/** What conntrack tells of a flow, in words: its tuple, its state, how it began, and who had announced it. */
import {
  CT_TCP_STATE,
  FLOW_CHANGE,
  FLOW_FLAG,
  formatAddress,
  kindFlags,
  kindProtocol,
  kindState,
  MASTER,
  MASTER_WORDS,
  PROTOCOL,
  placeText,
  protocolName,
  SOCKET_STATE,
  tupleDetail,
} from "@conntrail/model";

/** Two ends of a row of words as people read them; `ports`: the word that holds both. */
export function tupleText(
  protocol: string,
  words: Uint32Array,
  source: number,
  destination: number,
  ports: number,
): string {
  const from = { address: formatAddress(words, source), port: ports >>> 16 };
  const to = { address: formatAddress(words, destination), port: ports & 0xffff };
  return `${placeText(protocol, from)} → ${placeText(protocol, to)}${tupleDetail(protocol, from.port, to.port)}`;
}

/** The kernel's word for a flow's state. */
export function stateWord(kind: number, change: number): string {
  if (change === FLOW_CHANGE.destroyed) {
    const isReset = kindProtocol(kind) === PROTOCOL.tcp && kindState(kind) === CT_TCP_STATE.close;
    return `gone from the kernel's table${isReset ? ", after a reset (CLOSE)" : ""}`;
  }
  if (change === FLOW_CHANGE.swept) return "gone from a dump";
  if (change === FLOW_CHANGE.evicted) return "dropped from a full table";
  if (change === FLOW_CHANGE.released) return "gone with its namespace";
  if (kindProtocol(kind) !== PROTOCOL.tcp) return (kindFlags(kind) & FLOW_FLAG.replied) === 0 ? "unreplied" : "replied";
  return words(CT_TCP_STATE, kindState(kind));
}

/** A flow that is told of for the first time; of one that is over already, its opening and its end were told at once. */
export function newFlowText(tuple: string, kind: number, change: number, announced: string): string {
  const flags = kindFlags(kind);
  const word = stateWord(kind, change);
  if (change < FLOW_CHANGE.destroyed) {
    const isNew = (flags & (FLOW_FLAG.beganUnseen | FLOW_FLAG.pickedUp | FLOW_FLAG.fromDump)) === 0;
    return `conntrack ${isNew ? "told a new" : "has a"} flow: ${tuple}${word === "" ? "" : `, ${word}`}${beginning(flags)}${announced}`;
  }
  const both = (flags & (FLOW_FLAG.beganUnseen | FLOW_FLAG.pickedUp | FLOW_FLAG.fromDump)) === 0;
  const told = both ? "; its opening and its end were told together" : `; only its end was told`;
  return `conntrack had a flow: ${tuple}, ${word}${told}${announced}`;
}

/** A socket's state; UDP has no handshake that could have established anything. */
export function socketWord(kind: number): string {
  const protocol = kindProtocol(kind);
  if (protocol !== PROTOCOL.udp && protocol !== PROTOCOL.udplite) return words(SOCKET_STATE, kindState(kind));
  return "connected (UDP has no handshake)";
}

/** Who had announced a flow to a helper of conntrack. */
export function announcement(serial: number, masters: Uint32Array | undefined): string {
  if (masters === undefined) return "";
  for (let at = 0; at < masters.length; at += MASTER_WORDS) {
    if (masters[at + MASTER.serial] !== serial) continue;
    const protocol = protocolName(kindProtocol(masters[at + MASTER.kind]!));
    const tuple = tupleText(
      protocol,
      masters,
      at + MASTER.source,
      at + MASTER.destination,
      masters[at + MASTER.ports]!,
    );
    return `; announced by ${protocol} ${tuple}`;
  }
  return "";
}

/** `finWait` to FIN_WAIT: as the kernel's headers and tools have it. */
function words(states: Readonly<Record<string, number>>, state: number): string {
  const [name = ""] = Object.entries(states).find(([, value]) => value === state) ?? [];
  return name.replace(/([A-Z]|\d)/g, "_$1").toUpperCase();
}

/** What is known of how a flow began. */
function beginning(flags: number): string {
  if ((flags & FLOW_FLAG.pickedUp) !== 0) return "; picked up in the middle of the stream";
  if ((flags & FLOW_FLAG.fromDump) !== 0) return "; it was there before we looked";
  return (flags & FLOW_FLAG.beganUnseen) === 0 ? "" : "; its beginning was missed";
}
