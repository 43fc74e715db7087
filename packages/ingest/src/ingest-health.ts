/** Out of everything that can be wrong at once, the one thing to tell an operator, with what would help. The order of the questions is the order of importance. */
import type { ConntrackReason, HealthState } from "@conntrail/model";

/** What is known of the ingest's surroundings. */
export interface Circumstances {
  /** Why the own namespace cannot be watched: an errno such as `EPERM`; undefined when it is. */
  readonly obstacle: string | undefined;
  /** The first dumps of the namespaces that were there at the start are complete. */
  readonly started: boolean;
  /** All namespaces have their events switched off: dumps are all there is. */
  readonly eventsOff: boolean;
  /** Connections exist, and no namespace tracks any. */
  readonly untracked: boolean;
  /** The same for the own namespace alone. */
  readonly ownEventsOff: boolean;
  readonly ownUntracked: boolean;
  /** The kernel refused or pushed out connections lately. */
  readonly tableFull: boolean;
  /** Events were lost lately, and why. */
  readonly loss: "buffer" | "reader" | undefined;
  readonly canGrow: boolean;
  /** Other namespaces were asked for and cannot be had. */
  readonly ownOnly: boolean;
  /** Namespaces that are not watched because there are too many. */
  readonly left: number;
  /** Something was ever tracked, in whatever namespace. */
  readonly heard: boolean;
  /** Namespaces of a list that are not there. */
  readonly missing: readonly (string | number)[];
}

/** The judgement. */
export interface Verdict {
  readonly state: HealthState;
  readonly reason: ConntrackReason | null;
  readonly advice: string | null;
}

/** Judges. */
export function judge(now: Circumstances): Verdict {
  if (now.obstacle !== undefined) return obstacleVerdict(now.obstacle);
  if (now.eventsOff) {
    return {
      state: "degraded",
      reason: "events-disabled",
      advice: "sysctl net.netfilter.nf_conntrack_events is 0, so short connections are missed: set it to 1 or 2",
    };
  }
  if (now.untracked) {
    return {
      state: "off",
      reason: "no-rule",
      advice: `connections exist but none is tracked, for no rule refers to ct: ${TRACK}`,
    };
  }
  if (!now.started) return { state: "degraded", reason: "starting", advice: null };
  if (now.tableFull) {
    return {
      state: "degraded",
      reason: "table-full",
      advice: "the kernel drops connections because its table is full: raise sysctl net.netfilter.nf_conntrack_max",
    };
  }
  if (now.loss !== undefined) return lossVerdict(now.loss, now.canGrow);
  if (now.ownEventsOff) {
    return {
      state: "degraded",
      reason: "events-disabled",
      advice:
        "sysctl net.netfilter.nf_conntrack_events is 0 in this network namespace, so its short connections are missed: set it to 1 or 2",
    };
  }
  if (now.ownUntracked) {
    return {
      state: "degraded",
      reason: "no-rule",
      advice: `connections exist in this network namespace but none is tracked, for no rule refers to ct: ${TRACK}`,
    };
  }
  if (now.ownOnly) {
    return {
      state: "degraded",
      reason: "own-namespace-only",
      advice: "other network namespaces cannot be entered: that takes CAP_SYS_ADMIN and CAP_SYS_PTRACE",
    };
  }
  if (now.left > 0) {
    return {
      state: "degraded",
      reason: "own-namespace-only",
      advice: `${now.left} network namespaces are not watched: raise the limit of open files (ulimit -n), or look at one with namespaces: own`,
    };
  }
  if (now.missing.length > 0) {
    return {
      state: "degraded",
      reason: "no-such-namespace",
      advice: `there is no network namespace ${now.missing.join(", ")}: ip netns lists names, lsns -t net lists inodes`,
    };
  }
  return { state: "ok", reason: null, advice: now.heard ? null : UNHEARD };
}

/** A namespace where nothing talks looks the same with a rule and without. */
const UNHEARD = "no connection was tracked so far, and whether one would be is not known: conntrail doctor tries it";

/** A command that runs as it stands, in a namespace that has no table yet, and changes nothing but that connections are tracked. */
const TRACK =
  "nft 'add table inet conntrail; add chain inet conntrail track { type filter hook prerouting priority 0; }; add rule inet conntrail track ct state new counter'";

function obstacleVerdict(errno: string): Verdict {
  switch (errno) {
    case "EPERM":
    case "EACCES":
      return {
        state: "off",
        reason: "not-permitted",
        advice: "conntrack events take CAP_NET_ADMIN: run as root, or grant it",
      };
    case "EPROTONOSUPPORT":
    case "EINVAL":
    case "EOPNOTSUPP":
    case "ENOENT":
      return {
        state: "off",
        reason: "no-ctnetlink",
        advice: "the kernel has no ctnetlink: load the module nf_conntrack_netlink",
      };
    default:
      return { state: "off", reason: "failed", advice: `conntrack cannot be read: ${errno}` };
  }
}

function lossVerdict(loss: "buffer" | "reader", canGrow: boolean): Verdict {
  if (loss === "reader") {
    return {
      state: "degraded",
      reason: "reader-too-slow",
      advice: "events were lost because they were not read in time: this process needs more CPU",
    };
  }
  return {
    state: "degraded",
    reason: "buffer-too-small",
    advice: canGrow
      ? "events were lost in a burst: the receive buffer was doubled"
      : "events were lost in a burst, and the receive buffer has reached its cap: raise receiveBufferMax",
  };
}
