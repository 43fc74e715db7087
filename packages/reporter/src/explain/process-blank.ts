/** Why an end has no process: where its socket was looked for, and where that ended. */
import { hasPorts, placeText, protocolNumber } from "@conntrail/model";
import type { ConnectionJson, EndJson, HealthJson } from "@conntrail/report";
import { isLikelyReset } from "./answer-blank.ts";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { unseenSocket } from "./no-socket.ts";
import { SOCKETS_REASON } from "./reasons.ts";
import { candidatesText, inNamed, lookedInto, whereAddress } from "./row-place.ts";
import { type ScanFindings, scansText } from "./scan-findings.ts";
import { tracedText, traceStep } from "./traced-text.ts";
import { isDatagram } from "./verdicts.ts";

/** What the words are made from. */
interface Known {
  readonly row: ConnectionJson;
  readonly side: "from" | "to";
  readonly health: HealthJson;
  readonly seen: FactCollector;
  readonly isForeign: boolean;
}

type Words = readonly [text: string, help: string | null];

const DOCTOR = "conntrail doctor says what is missing, and what mends it";

/** The blank of an end without a process. `isForeign`: the file is not a recording of ours. */
export function processBlank(
  row: ConnectionJson,
  side: "from" | "to",
  health: HealthJson,
  seen: FactCollector,
  isForeign: boolean,
): Blank[] {
  const end = row[side];
  if (end.pid !== null || end.ownerReason === null) return [];
  const known: Known = { row, side, health, seen, isForeign };
  const [text, help] = row.flags?.includes("stale")
    ? staleText(row, end)
    : (unheldText(row, side, seen) ?? ownerText(placeText(row.protocol, end), end, known));
  return [{ about: `${side}.process`, text, help }];
}

function staleText({ protocol }: ConnectionJson, end: EndJson): Words {
  const place = placeText(protocol, end);
  if (!end.local) return [`${end.address} is no address of this host, and the socket at the other end is gone`, null];
  return [
    `scans no longer have a socket with the end ${place}, and conntrack keeps its entry: the end of the connection did not pass it; the process is told when the entry ends`,
    "conntrack -D removes the entry; net.netfilter.nf_conntrack_tcp_timeout_established shortens what such entries live",
  ];
}

/** Where no socket was to be expected. */
function unheldText(row: ConnectionJson, side: "from" | "to", seen: FactCollector): Words | undefined {
  const { protocol, state } = row;
  const end = row[side];
  if (!hasPorts(protocolNumber(protocol) ?? 0)) {
    return [`${protocol} has no ports by which a process could be found: its rows never name one`, null];
  }
  if (end.ownerReason !== "no-socket") return undefined;
  const isAttempt = side === "to" && (state === "failed" || state === "unreplied");
  if (!isAttempt || seen.found.scans === 0 || seen.found.isListenedOn) return undefined;
  const place = placeText(protocol, end);
  const scans = scansText(seen.found.scans);
  const start = "start what is to serve it, or correct the port that is called";
  if (isDatagram(protocol)) return [`nothing had ${place} bound in ${scans}`, start];
  const text = `nothing listened on ${place} in ${scans}`;
  if (protocol !== "tcp") return [text, start];
  if (seen.outcome === "refused") return [`${text}, and the kernel answers such a call with a reset`, start];
  if (state === "failed" && seen.outcome === undefined && isLikelyReset(row)) {
    return [`${text}, and the kernel answers such a call with a reset: likely what came back`, start];
  }
  if (state === "failed" && seen.outcome === undefined) {
    const now = whereAddress(seen.found, end.address, `ss -ltn 'sport = :${end.port}'`);
    const where = seen.found.homes(end.address).length === 1 ? "" : `where ${end.address} is: `;
    return [
      `${text}: if it was refused, that is why; if it had no answer, a rule drops it besides`,
      `${now}  (${where}is it listened on now?)`,
    ];
  }
  return [
    `${text}; that alone would have been answered by a reset, so that something else keeps the call or its answer away besides (see state)`,
    `once that is mended: ${start}`,
  ];
}

function ownerText(place: string, end: EndJson, known: Known): Words {
  const { ownerReason } = end;
  const { row, side, seen, isForeign } = known;
  const { sockets } = known.health;
  switch (ownerReason) {
    case "not-local":
      return [
        `${end.address} is no address of this host${lookedText(seen)}: its process is elsewhere`,
        "ask conntrail why on that host",
      ];
    case "no-socket":
      return unseenSocket(row, side, seen, known.health.trace);
    case "no-process":
      return noProcessText(place, known);
    case "permission":
      return [
        `the socket ${place} was seen, and the process that has it may not be inspected${because(sockets)}`,
        sockets.advice ?? "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
      ];
    case "ambiguous":
      return severalText(place, known);
    case "off":
      return offText(sockets, isForeign);
    case "unavailable":
      return [`the sockets could not be read${because(sockets)}`, sockets.advice ?? DOCTOR];
    default:
      return [`nothing more is known (${ownerReason})`, null];
  }
}

/** The words of a socket whose process has let go of it, as the kernel's tools have them. */
const LET_GO = /^(FIN_WAIT_?[12]|CLOSING|LAST_ACK|TIME_WAIT)$/;

function noProcessText(place: string, { row, side, seen, health: { trace } }: Known): Words {
  const { found } = seen;
  const traced = tracedText(row, side, trace, seen);
  const seenText = `the socket ${place} was seen, and no process has a descriptor of it`;
  const holders = found.latestHolders(side);
  if (holders.length > 0 && holders.every(({ state }) => LET_GO.test(state))) {
    const text = `${seenText}: its process has closed it or ended, and the kernel sees it out; ${traced}`;
    return [text, traceStep(trace)];
  }
  if (side === "to" && found.isListenedOn && row.protocol === "tcp" && holders.length > 0)
    return acceptedText(seenText, traced, row, found);
  const unseen = "a process that this /proc does not show (another pid namespace) has it";
  const closed = "it was closed between the reading of the sockets and that of the descriptors";
  const step = traceStep(trace);
  const kernel = "nothing to be done where the kernel itself serves";
  return [
    `${seenText}: it is the kernel's own (NFS, a tunnel), ${unseen}, or ${closed}; ${traced}`,
    step === null ? `conntrail doctor  (does this /proc show all processes?); ${kernel}` : `${step}; ${kernel}`,
  ];
}

/** A socket at the called end, where somebody listens: one that nobody has accepted has no inode, one of the kernel's own has. */
function acceptedText(seenText: string, traced: string, { to }: ConnectionJson, found: ScanFindings): Words {
  const listening = [...found.listeners.values()];
  const listens = candidatesText(found, listening);
  const isServed = listening.some(({ isHeld }) => isHeld);
  const hidden = "a process that this /proc does not show (another pid namespace)";
  const shows = "conntrail doctor  (does this /proc show all processes?)";
  if (found.latestHolders("to").every(({ isBare }) => isBare)) {
    const queue = whereAddress(found, to.address, `ss -ltnp 'sport = :${to.port}'`);
    const who = isServed ? "" : `; the listener has no process either: ${hidden} has it, or the kernel itself`;
    const text = `${seenText}: it has no inode, as one that nobody has accepted yet; who listens: ${listens}${who}; ${traced}`;
    const step = `${queue}  (Recv-Q counts those that nobody has accepted: does it go down?)`;
    return [text, isServed ? step : `${step}; ${shows}`];
  }
  if (isServed) {
    const text = `${seenText}, though it was accepted (it has an inode); who listens: ${listens}. ${hidden.replace("a p", "A p")} has it now, or it was closed between the reading of the sockets and that of the descriptors; ${traced}`;
    return [text, shows];
  }
  const text = `${seenText}, though it was accepted (it has an inode), and neither has the listener (${listens}): ${hidden} has both, or the kernel itself serves there (NFS); ${traced}`;
  return [text, `${shows}; nothing to be done where the kernel itself serves`];
}

/** Who could have the end: each socket that fits it, and where was looked. */
function severalText(place: string, { row, side, seen: { found } }: Known): Words {
  const holders = [...found.holders[side].values()];
  const candidates = holders.length > 0 || side === "from" ? holders : [...found.listeners.values()];
  const end = row[side];
  const kind = row.protocol === "tcp" ? "-tanp" : "-uanp";
  const command = `ss ${kind} 'sport = :${end.port}'`;
  const places = new Set(candidates.map(({ netns }) => netns));
  const names = [...new Set(candidates.map(({ netns }) => (netns === null ? undefined : found.nameOf(netns))))];
  const looked = lookedInto(found);
  const where = looked === "" ? "" : `; looked into: ${looked}`;
  const text =
    candidates.length === 0
      ? `several sockets, or several programs, fit the end ${place}: none is named rather than a wrong one${where}`
      : `more than one fits the end ${place}, and nothing tells which: none is named rather than a wrong one. ${candidatesText(found, candidates)}${where}`;
  const commands = names.length === 0 ? [command] : names.slice(0, 2).map((name) => inNamed(name, command));
  const now = `${[...new Set(commands)].join("; ")}  (who has it now)`;
  if (places.size <= 1 || end.address.startsWith("127.")) return [text, now];
  const way = inNamed(row.netnsName, `ip route get ${end.address}`);
  return [text, `${now}; ${way}  (which of them the way leads to)`];
}

function offText({ state, reason }: HealthJson["sockets"], isForeign: boolean): Words {
  if (isForeign) {
    return ["this file is of conntrack alone: it has no sockets or processes", "conntrail record keeps both"];
  }
  if (state === "off" && reason === "switched-off") {
    return [SOCKETS_REASON["switched-off"], "without --no-sockets they are read, and their processes"];
  }
  return ["processes were switched off (--no-processes)", "without --no-processes they are looked for"];
}

function lookedText({ found }: FactCollector): string {
  const looked = lookedInto(found);
  return looked === "" ? "" : ` (looked into: ${looked})`;
}

function because({ reason }: HealthJson["sockets"]): string {
  return reason === null ? "" : `: ${SOCKETS_REASON[reason]}`;
}
