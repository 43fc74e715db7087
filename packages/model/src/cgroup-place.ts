/**
 * What the path of a control group says of the processes in it: the container and who runs it, the pod, the unit and slice of systemd. Sources: the paths that
 * runc, crun and systemd's drivers make (opencontainers/cgroups `fs` and `systemd`), Kubernetes' `pkg/kubelet/cm` (pod…), podman's libpod, and systemd.unit(5) for names and their escapes.
 */

/** Who runs a container. */
export type ContainerRuntime = "docker" | "containerd" | "cri-o" | "podman";

/** Where a process stands. What the path does not say is empty. */
export interface CgroupPlace {
  /** 64 hexadecimal digits: those of the innermost container. */
  readonly containerId: string;
  readonly runtime: ContainerRuntime | "";
  /** With dashes, as Kubernetes writes it; of a static pod 32 hexadecimal digits. */
  readonly podUid: string;
  /** The innermost unit of systemd that is not a container itself, such as `nginx.service` or `session-3.scope`. */
  readonly unit: string;
  /** The innermost slice, such as `system.slice`. */
  readonly slice: string;
}

const NOWHERE: CgroupPlace = { containerId: "", runtime: "", podUid: "", unit: "", slice: "" };

/** `conmon` looks after a container from outside, in a group that has its name. */
const CONTAINER = /^(?:(.*?)[-:])?([0-9a-f]{64})(?:\.scope)?$/;
const OUTSIDE = /conmon$/;

/** What stands before the digits, by who writes it. */
const PREFIXES: ReadonlyMap<string, ContainerRuntime> = new Map([
  ["docker", "docker"],
  ["libpod", "podman"],
  ["libpod-payload", "podman"],
  ["crio", "cri-o"],
  ["cri-containerd", "containerd"],
  ["nerdctl", "containerd"],
]);

/** The folder that the digits stand in, where they stand alone: Docker's own, and containerd's namespaces of Docker and of its command line. */
const PARENTS: ReadonlyMap<string, ContainerRuntime> = new Map([
  ["docker", "docker"],
  ["moby", "docker"],
  ["default", "containerd"],
  ["k8s.io", "containerd"],
]);

const POD = /(?:^|[-:])pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|$|:)/;
const UNIT = /\.(?:service|scope|socket|mount|swap)$/;

/** Reads a path as /proc/PID/cgroup or the cgroup2 mount has it. Any text gives a place. */
export function cgroupPlace(path: string): CgroupPlace {
  if (path === "" || path === "/") return NOWHERE;
  let { containerId, runtime, podUid, unit, slice } = NOWHERE;
  let parent = "";
  for (const folder of path.split("/")) {
    if (folder === "") continue;
    podUid = POD.exec(folder)?.[1]?.replaceAll("_", "-") ?? podUid;
    const [, written, id] = CONTAINER.exec(folder) ?? [];
    if (id !== undefined && !OUTSIDE.test(written ?? "")) {
      containerId = id;
      const prefix = written?.slice(written.lastIndexOf(":") + 1);
      runtime = (prefix === undefined ? PARENTS.get(parent) : PREFIXES.get(prefix)) ?? "";
      // The units of the host are not those of the container.
      unit = "";
    } else if (id === undefined && UNIT.test(folder)) unit = unescapeUnit(folder);
    else if (folder.endsWith(".slice")) slice = unescapeUnit(folder);
    parent = folder;
  }
  return { containerId, runtime, podUid, unit, slice };
}

/** systemd writes what a name may not have as `\x` and two digits (systemd.unit(5), "String escaping for inclusion in unit names"). */
function unescapeUnit(name: string): string {
  if (!name.includes("\\x")) return name;
  return name.replaceAll(/(?:\\x[0-9a-f]{2})+/g, (run) =>
    Buffer.from(run.replaceAll("\\x", ""), "hex").toString("utf8"),
  );
}
