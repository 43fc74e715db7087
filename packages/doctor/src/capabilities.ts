/** The rights that we need: capabilities(7). */
import type { CAPABILITY } from "@conntrail/procfs";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { has, type Surroundings } from "./surroundings.ts";

/** What is asked for, as far as it takes rights. */
export interface Wanted {
  readonly conntrack: boolean;
  readonly processes: boolean;
  readonly trace: boolean;
  /** Other network namespaces than our own. */
  readonly namespaces: boolean;
}

type Capability = keyof typeof CAPABILITY;

interface Right {
  readonly capability: Capability;
  /** Has the same effect. */
  readonly instead?: Capability;
  readonly wanted: (wanted: Wanted) => boolean;
  /** Without it what was asked for does not work at all. */
  readonly vital: boolean;
  readonly lost: string;
}

const RIGHTS: readonly Right[] = [
  {
    capability: "CAP_NET_ADMIN",
    wanted: ({ conntrack }) => conntrack,
    vital: true,
    lost: "conntrack: short connections, NAT, and which side opened a connection",
  },
  {
    capability: "CAP_PERFMON",
    instead: "CAP_SYS_ADMIN",
    wanted: ({ trace }) => trace,
    vital: true,
    lost: "the processes of short connections",
  },
  {
    capability: "CAP_SYS_PTRACE",
    wanted: ({ processes }) => processes,
    vital: false,
    lost: "the processes of other users, and the namespaces that they are in",
  },
  {
    capability: "CAP_DAC_READ_SEARCH",
    wanted: ({ processes, trace }) => processes || trace,
    vital: false,
    lost: "the descriptors of other users' processes, and a tracefs that only root may read",
  },
  {
    capability: "CAP_SYS_ADMIN",
    wanted: ({ namespaces }) => namespaces,
    vital: false,
    lost: "connections in other network namespaces, thus in containers",
  },
];

/** A check of each. */
export function checkCapabilities(around: Surroundings, wanted: Wanted): Check[] {
  const mend = grant(around, wanted);
  return RIGHTS.map(({ capability, instead, wanted: isWanted, vital, lost }) => {
    const id = `capability.${capability.slice("CAP_".length).toLowerCase().replaceAll("_", "-")}`;
    if (!isWanted(wanted)) return notAsked(id, capability);
    const known = has(around, capability);
    if (known === undefined) {
      return wrong("unknown", id, capability, { found: "/proc/self/status cannot be read", lost, mend: null });
    }
    if (known) return found(id, capability, "held");
    if (instead !== undefined && has(around, instead) === true) return found(id, capability, `${instead} is held`);
    return wrong(vital ? "missing" : "limited", id, capability, { found: "not held", lost, mend });
  });
}

/** How the missing ones are given to this command: to an ordinary user by root, to a container by whoever starts it. */
export function grant(around: Surroundings, wanted: Wanted): string | null {
  const missing = RIGHTS.filter(
    ({ capability, instead, wanted: isWanted }) =>
      isWanted(wanted) &&
      has(around, capability) === false &&
      (instead === undefined || has(around, instead) === false),
  ).map(({ capability }) => capability);
  if (missing.length === 0) return null;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid === 0) {
    const flags = missing.map((capability) => `--cap-add=${capability.slice("CAP_".length)}`);
    return `Start the container with ${flags.join(" ")} (Kubernetes: securityContext.capabilities.add).`;
  }
  const set = missing.map((capability) => `+${capability.slice("CAP_".length).toLowerCase()}`).join(",");
  const command = around.command.map(quoted).join(" ");
  return `sudo setpriv --reuid=${uid} --regid=${gid} --clear-groups --inh-caps=${set} --ambient-caps=${set} ${command}`;
}

/** A word of the shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
