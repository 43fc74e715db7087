/** Why an end has no process: where its socket was looked for, and where that ended. */
import { hasPorts, placeText, protocolNumber } from "@conntrail/model";
import type { ConnectionJson, EndJson, HealthJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { unseenSocket } from "./no-socket.ts";
import { SOCKETS_REASON, TRACE_REASON } from "./reasons.ts";
import { candidatesText, inNamed, lookedInto, whereAddress } from "./row-place.ts";

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
  if (!end.local) return [`${place} is no address of this host, and the socket at the other end is gone`, null];
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
  const text = `nothing listened on ${placeText(protocol, end)} in ${seen.found.scans} scans of the sockets`;
  const start = "start what is to serve it, or correct the port that is called";
  if (protocol !== "tcp") return [text, start];
  if (seen.outcome === "refused") return [`${text}, and the kernel answers such a call with a reset`, start];
  return [`${text}, either; but that alone would have been answered by a reset`, `mend that first; then ${start}`];
}

function ownerText(place: string, { ownerReason }: EndJson, known: Known): Words {
  const { row, side, seen, isForeign } = known;
  const { sockets } = known.health;
  switch (ownerReason) {
    case "not-local":
      return [
        `${place} is no address of this host: its process is elsewhere`,
        "ask conntrail why on that host; a store of both hosts joins what they know (conntrail store --help)",
      ];
    case "no-socket":
      return unseenSocket(row, side, seen.found, known.health.trace);
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

function noProcessText(place: string, { row, side, seen, health: { trace } }: Known): Words {
  const traced =
    trace.state === "off" && trace.reason !== null
      ? TRACE_REASON[trace.reason]
      : "the trace saw nobody open or close it";
  const seenText = `the socket ${place} was seen, and no process has a descriptor of it`;
  if (side === "to" && seen.found.isListenedOn && row.protocol === "tcp") {
    const listens = candidatesText(seen.found, seen.found.listeners.values());
    const command = whereAddress(seen.found, row.to.address, `ss -ltn 'sport = :${row.to.port}'`);
    return [
      `${seenText}: not accepted yet by who listens (${listens}), or closed by its process before the scan; ${traced}`,
      `${command}  (Recv-Q counts those that nobody has accepted)`,
    ];
  }
  return [
    `${seenText}: the kernel's own (NFS, a tunnel), or closed by its process before the scan; ${traced}`,
    "nothing to be done where the kernel itself serves; else --scan-interval 100ms sees it earlier",
  ];
}

/** Who could have the end: each socket that fits it, and where was looked. */
function severalText(place: string, { row, side, seen: { found } }: Known): Words {
  const holders = [...found.holders[side].values()];
  const candidates = holders.length > 0 || side === "from" ? holders : [...found.listeners.values()];
  const end = row[side];
  const kind = row.protocol === "tcp" ? "-tanp" : "-uanp";
  const command = `ss ${kind} 'sport = :${end.port}'`;
  const names = [...new Set(candidates.map(({ netns }) => (netns === null ? undefined : found.nameOf(netns))))];
  const looked = lookedInto(found);
  const where = looked === "" ? "" : `; looked into: ${looked}`;
  const text =
    candidates.length === 0
      ? `several sockets, or several programs, fit the end ${place}: none is named rather than a wrong one${where}`
      : `more than one fits the end ${place}, and nothing tells which: none is named rather than a wrong one. ${candidatesText(found, candidates)}${where}`;
  const commands = names.length === 0 ? [command] : names.slice(0, 2).map((name) => inNamed(name, command));
  return [
    text,
    `${[...new Set(commands)].join("; ")}  (who has it now); conntrail why --namespaces own, run in one of them, looks there alone`,
  ];
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

function because({ reason }: HealthJson["sockets"]): string {
  return reason === null ? "" : `: ${SOCKETS_REASON[reason]}`;
}
