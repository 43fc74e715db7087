/** /proc/PID/cgroup: cgroups(7). One line per hierarchy, `ID:CONTROLLERS:PATH`; the unified one is `0::PATH`. */
import { readText } from "./read-file.ts";

/** Where a process stands in the control groups. */
export interface PidCgroup {
  /** Path in the unified hierarchy, or without one the longest path of cgroup v1; empty when there is neither. */
  readonly path: string;
  /** 64 hexadecimal digits found in any of the paths, else empty: what Docker, containerd, CRI-O and podman name a container's group after. */
  readonly containerId: string;
}

/** Reads /proc/PID/cgroup; `undefined` when the process is gone. Throws OpError. */
export function readPidCgroup(root: string, pid: number): PidCgroup | undefined {
  const text = readText(`${root}/${pid}/cgroup`);
  return text === undefined ? undefined : parsePidCgroup(text);
}

/** Parses /proc/PID/cgroup. Lines of another form are passed over. */
export function parsePidCgroup(text: string): PidCgroup {
  let unified: string | undefined;
  let longest = "";
  for (const line of text.split("\n")) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (id === "0" && controllers === "") unified = path;
    else if (path.length > longest.length) longest = path;
  }
  return { path: unified ?? longest, containerId: /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/.exec(text)?.[0] ?? "" };
}
