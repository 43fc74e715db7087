/** /proc, and which processes it lets us inspect: proc(5), pid_namespaces(7), ptrace(2). */
import {
  type Hidepid,
  hidepid,
  readFdNumbers,
  readFdSocket,
  readMounts,
  readPidComm,
  readPidNamespace,
  readPidStat,
  readPids,
} from "@conntrail/procfs";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { asRoot, type Surroundings, unlessForbidden } from "./surroundings.ts";

/** The pid namespace of the host has this inode on every kernel (PROC_PID_INIT_INO, `linux/proc_ns.h`). */
const HOST_PIDS = 0xeffffffc;

const TITLES = [
  ["proc", "/proc"],
  ["hidepid", "/proc shows other users"],
  ["pid-namespace", "/proc shows the host"],
  ["processes", "processes can be inspected"],
] as const;

/** Whether processes are wanted, what would give the missing capabilities, and the checks. */
export function checkProcesses(around: Surroundings, wanted: boolean, grant: string | null): Check[] {
  const { procRoot } = around;
  if (!wanted) return TITLES.map(([id, title]) => notAsked(id, title));
  const [[proc, procTitle]] = TITLES;
  const pids = unlessForbidden(() => readPids(procRoot)) ?? [];
  if (pids.length === 0) {
    const mend = asRoot(`mount -t proc proc ${procRoot}`);
    return [
      wrong("missing", proc, procTitle, {
        found: `${procRoot} has no processes`,
        lost: "the process of each socket",
        mend,
      }),
    ];
  }
  return [
    found(proc, procTitle, `${pids.length} processes`),
    checkHidepid(procRoot),
    checkPidNamespace(procRoot),
    checkInspection(around, pids, grant),
  ];
}

/** The option as far as it binds us: root and the group of `gid=` see everything, also process 1. */
function checkHidepid(root: string): Check {
  const [id, title] = TITLES[1];
  const option: Hidepid = hidepid(readMounts(root) ?? [], root);
  if (option === "off") return found(id, title, "hidepid is off");
  if (unlessForbidden(() => readPidStat(root, 1)) !== undefined) {
    return found(id, title, `hidepid=${option} does not concern us`);
  }
  return wrong("limited", id, title, {
    found: `${root} is mounted with hidepid=${option}`,
    lost: "the processes of other users",
    mend: asRoot(`mount -o remount,hidepid=off ${root}`),
  });
}

function checkPidNamespace(root: string): Check {
  const [id, title] = TITLES[2];
  const inode =
    unlessForbidden(() => readPidNamespace(root, 1)) ?? unlessForbidden(() => readPidNamespace(root, "self"));
  if (inode === undefined || inode === HOST_PIDS) return found(id, title, "the host's processes");
  return wrong("limited", id, title, {
    found: "it shows the processes of a pid namespace of its own",
    lost: "the processes of everything outside of this container",
    mend: "Start the container with --pid=host (hostPID: true in Kubernetes).",
  });
}

/** Tries each, as a scan does. */
function checkInspection({ procRoot }: Surroundings, pids: readonly number[], grant: string | null): Check {
  const [id, title] = TITLES[3];
  const denied = pids.filter((pid) => isDenied(procRoot, pid));
  const [first] = denied;
  if (first === undefined) return found(id, title, "all of them");
  const name = unlessForbidden(() => readPidComm(procRoot, first)) ?? "gone by now";
  const why =
    grant === null ? ", although no capability is missing: a user namespace, a sandbox or a security module" : "";
  return wrong("limited", id, title, {
    found: `${denied.length} of ${pids.length} refuse, the first ${first}, ${name}${why}`,
    lost: "the processes of their sockets",
    mend: grant,
  });
}

function isDenied(root: string, pid: number): boolean {
  let denied = true;
  unlessForbidden(() => {
    const [fd] = readFdNumbers(root, pid) ?? [];
    // The list takes CAP_DAC_READ_SEARCH, what is in it CAP_SYS_PTRACE.
    if (fd !== undefined) readFdSocket(root, pid, fd);
    denied = false;
  });
  return denied;
}
