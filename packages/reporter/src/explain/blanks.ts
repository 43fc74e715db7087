/** What a row does not say: what was looked for, where that ended, and what would help. */
import type { ConnectionJson, EndJson, HealthJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { endText } from "./meeting-tuples.ts";

/** The blanks of a row. `health` is that of the report that told it last; `since`: the time from which on facts were kept, null for all. */
export function blanksOf(row: ConnectionJson, health: HealthJson, seen: FactCollector, since: string | null): Blank[] {
  return [
    ...factsBlank(row, since),
    ...directionBlank(row, health, seen),
    ...answerBlank(row, seen),
    ...processBlank(row, "from", health, seen),
    ...processBlank(row, "to", health, seen),
    ...namesBlank(row, "from", health),
    ...namesBlank(row, "to", health),
    ...flowBlank(row, health),
  ];
}

/** Facts that were there and are gone. */
function factsBlank({ firstSeen }: ConnectionJson, since: string | null): Blank[] {
  if (since === null || (firstSeen !== null && firstSeen > since)) return [];
  const text = `it is older than what is kept: of what was told before ${since} only the row is left`;
  return [{ about: "facts", text, help: "conntrail record keeps everything, and conntrail why --replay FILE asks it" }];
}

function directionBlank({ direction, from, to }: ConnectionJson, health: HealthJson, seen: FactCollector): Blank[] {
  if (direction.evidence !== "none") return [];
  const opening = seen.facts.some(({ source }) => source === "event" || source === "dump")
    ? "conntrack did not see the opening"
    : `conntrack told nothing of it${reasonOf(health.conntrack)}`;
  const text = `${opening}; nobody listens on port ${from.port} or ${to.port} in its namespace; and of the two ports not exactly one is of the ephemeral range`;
  return [{ about: "direction", text, help: "start before the connection does: conntrack then sees who opens it" }];
}

/** Why nothing came back is not told: an ICMP error belongs to the flow that it is about, and conntrack says nothing of it. */
function answerBlank({ state, to }: ConnectionJson, seen: FactCollector): Blank[] {
  const isRefused = seen.facts.some(({ claims }) =>
    claims.some(({ about, text }) => about === "state" && /reset/.test(text)),
  );
  if ((state !== "unreplied" && state !== "failed") || isRefused) return [];
  const text =
    "nothing came back that conntrack takes for an answer: nobody is there, a rule dropped it, or an ICMP error came, of which conntrack tells nothing";
  const place = endText(to.address, to.port);
  return [
    {
      about: "state",
      text,
      help: `is somebody at ${place}, and do the rules on the way let it through? tcpdump -ni any icmp or icmp6 shows errors`,
    },
  ];
}

function processBlank(row: ConnectionJson, side: "from" | "to", health: HealthJson, seen: FactCollector): Blank[] {
  const end = row[side];
  if (end.pid !== null || end.ownerReason === null) return [];
  const [text, help] = row.flags?.includes("stale")
    ? staleText(end)
    : (unheldText(row, side, seen) ?? ownerText(end, health, seen));
  return [{ about: `${side}.process`, text, help }];
}

function staleText({ address, port, local }: EndJson): readonly [string, string | null] {
  const place = endText(address, port);
  if (!local) return [`${place} is no address of this host, and the socket at the other end is gone`, null];
  return [
    `scans no longer have a socket with the end ${place}, and conntrack keeps its entry: the end of the connection did not pass it; the process is told when the entry ends`,
    "conntrack -D removes the entry; net.netfilter.nf_conntrack_tcp_timeout_established shortens what such entries live",
  ];
}

/** Where no socket was to be expected. */
function unheldText(
  row: ConnectionJson,
  side: "from" | "to",
  seen: FactCollector,
): readonly [string, string | null] | undefined {
  const { protocol, state } = row;
  const { address, port, ownerReason } = row[side];
  if (ownerReason !== "no-socket") return undefined;
  if (!WITH_SOCKETS.has(protocol))
    return [`${protocol} has no sockets with ports, by which a process could be found`, null];
  const isAttempt = side === "to" && (state === "failed" || state === "unreplied");
  if (!isAttempt || seen.scans === 0 || seen.facts.some(({ source }) => source === "listener")) return undefined;
  return [
    `in ${seen.scans} scans of the sockets nobody waited for it at ${endText(address, port)}`,
    "start what is to serve it, or correct the port that is called",
  ];
}

const DOCTOR = "conntrail doctor says what is missing, and what mends it";

const WITH_SOCKETS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp", "udplite", "dccp"]);

function ownerText(end: EndJson, health: HealthJson, seen: FactCollector): readonly [string, string | null] {
  const place = endText(end.address, end.port);
  const scans = `${seen.scans} scans of the sockets`;
  const traced = health.trace.state !== "off";
  const trace = traced
    ? "the trace saw nobody open or close it"
    : `nobody traced who opens and closes${reasonOf(health.trace)}`;
  switch (end.ownerReason) {
    case "not-local":
      return [
        `${place} is no address of this host: its process is elsewhere`,
        "ask conntrail why on that host; a store of both hosts joins what they know (conntrail store --help)",
      ];
    case "no-socket":
      return [
        `${scans} had no socket with the end ${place}, and ${trace}`,
        traced
          ? "the socket closed before a scan: --scan-interval 100ms, or an earlier start"
          : "perf events (root, or CAP_PERFMON) name the processes of short connections",
      ];
    case "no-process":
      return [
        `the socket ${place} was seen, and no process has a descriptor of it: the kernel's own, or closed by its process before the scan; ${trace}`,
        "nothing to be done where the kernel itself serves (NFS, a tunnel); else --scan-interval 100ms sees it earlier",
      ];
    case "permission":
      return [
        `the socket ${place} was seen, and the process that has it may not be inspected${reasonOf(health.sockets)}`,
        health.sockets.advice ?? "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
      ];
    case "ambiguous":
      return [
        `several sockets, or several programs, fit the end ${place}: none is named rather than a wrong one`,
        "ss -np in each of its namespaces shows them; --namespaces own looks into one alone",
      ];
    case "off":
      return [
        "no sockets or processes were read: switched off, or a file of conntrack's alone",
        "conntrail record, without --no-sockets and --no-processes, keeps both",
      ];
    case "unavailable":
      return [`the sockets could not be read${reasonOf(health.sockets)}`, health.sockets.advice ?? DOCTOR];
    default:
      return [`nothing more is known (${end.ownerReason})`, null];
  }
}

function namesBlank(row: ConnectionJson, side: "from" | "to", health: HealthJson): Blank[] {
  const { names, address } = row[side];
  if (names.length > 0) return [];
  const about = `${side}.names`;
  const { reason } = health.names;
  if (health.names.state === "off")
    return [
      {
        about,
        text: `names were not looked up${reasonOf(health.names)}`,
        help:
          reason === "switched-off" ? "watch, or record, without --no-names" : "--name-server says which server to ask",
      },
    ];
  const text = `the name servers had no name for ${address}, or had not answered by then (${health.names.pending} lookups were waiting)`;
  return [{ about, text, help: "--name-server asks another server, a longer --window waits longer" }];
}

/** What only conntrack tells. */
function flowBlank(row: ConnectionJson, health: HealthJson): Blank[] {
  if (!row.sources.includes("conntrack")) {
    const text = `conntrack has no flow of it${reasonOf(health.conntrack)}: whether it is translated, its bytes, and who opened it are not known from there`;
    return [{ about: "nat", text, help: health.conntrack.advice ?? DOCTOR }];
  }
  if (row.counters !== undefined) return [];
  return [
    {
      about: "counters",
      text: "the kernel does not count bytes and packets of flows",
      help: "sysctl net.netfilter.nf_conntrack_acct=1",
    },
  ];
}

function reasonOf({ reason }: { readonly reason: string | null }): string {
  return reason === null ? "" : ` (${reason})`;
}
