/**
 * Connection tracking: whether it can be heard, whether this namespace tracks at all, what it tells. Sources: the kernel's
 * Documentation/networking/nf_conntrack-sysctl.rst, and a datagram of our own.
 */
import { isOpError, NETLINK_FAMILY, NFNLGRP } from "@conntrail/netlink";
import { openNetlinkSocket } from "@conntrail/netlink/socket";
import { readConntrackStat, readSysctlNumber } from "@conntrail/procfs";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { isTracked } from "./probe.ts";
import { asRoot, inside, type Surroundings, unlessForbidden } from "./surroundings.ts";

/** A table that is fuller than this is nearly full, as in `health`. */
const NEARLY_FULL = 0.8;

const SETTING = "net.netfilter.nf_conntrack_";

/** All checks of conntrack. */
export async function checkTracking(around: Surroundings, wanted: boolean, bufferBytes: number): Promise<Check[]> {
  if (!wanted) return TITLES.map(([id, title]) => notAsked(id, title));
  const heard = checkEventSocket(bufferBytes);
  return [...heard, await checkRule(around), checkEvents(around), checkTable(around), ...checkExtras(around)];
}

const TITLES = [
  ["ctnetlink", "conntrack subscription"],
  ["tracking", "connection tracking"],
  ["events", "conntrack tells events"],
  ["table", "conntrack table"],
  ["accounting", "bytes and packets"],
  ["timestamps", "start times"],
] as const;

/** Opens what the reporter opens, and looks at the buffer that it got. */
function checkEventSocket(bufferBytes: number): Check[] {
  const [id, title] = TITLES[0];
  const lost = "short connections, NAT, and which side opened a connection";
  try {
    const socket = openNetlinkSocket({
      family: NETLINK_FAMILY.netfilter,
      groups: [NFNLGRP.conntrackNew, NFNLGRP.conntrackUpdate, NFNLGRP.conntrackDestroy],
      receiveBufferBytes: bufferBytes,
      messagesPerCall: 1,
    });
    const granted = socket.receiveBufferBytes();
    socket.close();
    return [found(id, title, "can be subscribed to"), checkBuffer(granted, bufferBytes)];
  } catch (error) {
    if (!isOpError(error)) throw error;
    const { errno } = error;
    if (errno === "EPERM" || errno === "EACCES") {
      const refused = "refused: CAP_NET_ADMIN is not held in the user namespace that this network namespace belongs to";
      return [wrong("missing", id, title, { found: refused, lost, mend: null })];
    }
    const mend = asRoot("modprobe nf_conntrack_netlink");
    return [wrong("missing", id, title, { found: `${error.op}: ${errno}`, lost, mend })];
  }
}

function checkBuffer(granted: number, wantedBytes: number): Check {
  const id = "receive-buffer";
  const title = "receive buffer";
  const mib = (bytes: number): string => `${Math.round((bytes / (1 << 20)) * 10) / 10} MiB`;
  if (granted >= wantedBytes) return found(id, title, mib(granted));
  return wrong("limited", id, title, {
    found: `${mib(granted)} instead of ${mib(wantedBytes)}: without CAP_NET_ADMIN on the host net.core.rmem_max is the limit`,
    lost: "events in bursts; what was lost is counted, and repaired by dumps",
    mend: asRoot(`sysctl -w net.core.rmem_max=${Math.ceil(wantedBytes / 2)}`),
  });
}

/** An idle namespace without a rule looks like an idle one with a rule: so connections are made, our own, on the loopback. */
async function checkRule(around: Surroundings): Promise<Check> {
  const [id, title] = TITLES[1];
  const lost = "everything that conntrack tells: short connections, NAT, and which side opened a connection";
  const count = unlessForbidden(() => readSysctlNumber(around.procRoot, `${SETTING}count`)) ?? 0;
  const [ipv4, ipv6] = [await isTracked("ipv4"), await isTracked("ipv6")];
  const seen = [ipv4, ipv6];
  if (seen.includes("tracked") && seen.includes("untracked")) {
    const [yes, no] = ipv4 === "tracked" ? ["IPv4", "IPv6"] : ["IPv6", "IPv4"];
    return wrong("limited", id, title, {
      found: `a datagram of our own was over ${yes}, and not over ${no}: no rule refers to ct there`,
      lost: `what conntrack tells of ${no}`,
      mend: inside(around, TRACK),
    });
  }
  if (seen.includes("tracked")) return found(id, title, "a datagram of our own was");
  if (count > 0) return found(id, title, `${count} connections now`);
  if (seen.includes("untracked")) {
    return wrong("missing", id, title, {
      found: "a datagram of our own was not: no rule here refers to ct, and none translates addresses",
      lost,
      mend: inside(around, TRACK),
    });
  }
  return wrong("unknown", id, title, {
    found: UNKNOWN[ipv4 as keyof typeof UNKNOWN],
    lost,
    mend: ipv4 === "no-loopback" ? inside(around, "ip link set lo up") : null,
  });
}

const UNKNOWN = {
  "not-permitted": "asking takes CAP_NET_ADMIN",
  "no-loopback": "no datagram could be sent to see: the loopback is down",
  "no-ctnetlink": "the kernel has no ctnetlink to ask",
} as const;

/** A command that runs as it stands, in a namespace that has no table yet, and changes nothing but that connections are tracked. */
const TRACK =
  "nft 'add table inet conntrail; add chain inet conntrail track { type filter hook prerouting priority 0; }; add rule inet conntrail track ct state new counter'";

function checkEvents(around: Surroundings): Check {
  const [id, title] = TITLES[2];
  const mode = unlessForbidden(() => readSysctlNumber(around.procRoot, `${SETTING}events`));
  const lost = "short connections: only dumps of the table are left";
  if (mode === undefined) {
    return wrong("missing", id, title, {
      found: `${SETTING}events is not there: the kernel has no connection tracking loaded`,
      lost,
      mend: asRoot("modprobe nf_conntrack"),
    });
  }
  if (mode === 0) {
    const mend = inside(around, `sysctl -w ${SETTING}events=1`);
    return wrong("missing", id, title, { found: `${SETTING}events is 0`, lost, mend });
  }
  if (mode === 1) return found(id, title, "for every connection");
  return found(
    id,
    title,
    "while somebody listens (2, the default since Linux 5.19): connections from before are known from dumps",
  );
}

function checkTable(around: Surroundings): Check {
  const [id, title] = TITLES[3];
  const read = (name: string): number | undefined =>
    unlessForbidden(() => readSysctlNumber(around.procRoot, SETTING + name));
  const [count, max] = [read("count"), read("max")];
  if (count === undefined || max === undefined || max === 0) {
    return wrong("unknown", id, title, { found: "the kernel does not say", lost: "nothing that is known", mend: null });
  }
  const dropped = unlessForbidden(() => readConntrackStat(around.procRoot, "thread-self"));
  const drops = dropped === undefined ? 0 : dropped.drop + dropped.earlyDrop;
  const told = `${count} of ${max}${drops === 0 ? "" : `; ${drops} refused or pushed out since the start`}`;
  if (count < max * NEARLY_FULL) return found(id, title, told);
  return wrong(count >= max ? "missing" : "limited", id, title, {
    found: told,
    lost: "new connections, once it is full: the kernel drops their packets",
    // One limit for all namespaces; it is set from the host's.
    mend: asRoot(`sysctl -w ${SETTING}max=${2 * max}`),
  });
}

function checkExtras(around: Surroundings): Check[] {
  const extras = [
    { title: TITLES[4], name: "acct", lost: "bytes and packets of connections that begin from now on" },
    { title: TITLES[5], name: "timestamp", lost: "when connections began that were there before us" },
  ];
  return extras.map(({ title: [id, title], name, lost }) => {
    const value = unlessForbidden(() => readSysctlNumber(around.procRoot, SETTING + name));
    if (value === 1) return found(id, title, "counted by the kernel");
    const told = value === undefined ? "is not there" : `is ${value}`;
    const mend = value === undefined ? null : inside(around, `sysctl -w ${SETTING}${name}=1`);
    return wrong("limited", id, title, { found: `${SETTING}${name} ${told}`, lost, mend });
  });
}
