/** Why an end has no process: where its socket was looked for, and where that ended. */
import { hasPorts, placeText, protocolNumber } from "@conntrail/model";
import type { ConnectionJson, EndJson, HealthJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { SOCKETS_REASON, TRACE_REASON, traceHelp } from "./reasons.ts";

/** What the words are made from. */
interface Known {
  readonly health: HealthJson;
  readonly seen: FactCollector;
  /** Processes whose sockets fit the end. */
  readonly holders: ReadonlySet<string>;
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
  const known: Known = { health, seen, holders: seen.holders[side], isForeign };
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
  if (!isAttempt || seen.scans === 0 || seen.isListenedOn) return undefined;
  const text = `nothing listened on ${placeText(protocol, end)} in ${seen.scans} scans of the sockets`;
  const start = "start what is to serve it, or correct the port that is called";
  if (protocol !== "tcp") return [text, start];
  if (seen.outcome === "refused") return [`${text}, and the kernel answers such a call with a reset`, start];
  return [`${text}, either; but that alone would have been answered by a reset`, `mend that first; then ${start}`];
}

function ownerText(place: string, { ownerReason }: EndJson, known: Known): Words {
  const { seen, holders, isForeign } = known;
  const { sockets, trace } = known.health;
  const scans = `${seen.scans} scans of the sockets`;
  const isTraced = trace.state !== "off";
  const traced = isTraced
    ? "the trace saw nobody open or close it"
    : trace.reason === null
      ? "nobody traced who opens and closes"
      : TRACE_REASON[trace.reason];
  switch (ownerReason) {
    case "not-local":
      return [
        `${place} is no address of this host: its process is elsewhere`,
        "ask conntrail why on that host; a store of both hosts joins what they know (conntrail store --help)",
      ];
    case "no-socket":
      return [
        `${scans} had no socket with the end ${place}, and ${traced}`,
        isTraced ? "scan oftener: --scan-interval 100ms; or start conntrail before the connection" : traceHelp(trace),
      ];
    case "no-process":
      return [
        `the socket ${place} was seen, and no process has a descriptor of it: the kernel's own, or closed by its process before the scan; ${traced}`,
        "nothing to be done where the kernel itself serves (NFS, a tunnel); else --scan-interval 100ms sees it earlier",
      ];
    case "permission":
      return [
        `the socket ${place} was seen, and the process that has it may not be inspected${because(sockets)}`,
        sockets.advice ?? "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
      ];
    case "ambiguous":
      return [
        `${severalText(place, holders)}: none is named rather than a wrong one`,
        "ss -np in each of its namespaces shows them; --namespaces own looks into one alone",
      ];
    case "off":
      return offText(sockets, isForeign);
    case "unavailable":
      return [`the sockets could not be read${because(sockets)}`, sockets.advice ?? DOCTOR];
    default:
      return [`nothing more is known (${ownerReason})`, null];
  }
}

function severalText(place: string, holders: ReadonlySet<string>): string {
  if (holders.size < 2) return `several sockets, or several programs, fit the end ${place}`;
  return `sockets of several programs fit the end ${place} (${[...holders].slice(0, 5).join(", ")}${holders.size > 5 ? ", …" : ""})`;
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
