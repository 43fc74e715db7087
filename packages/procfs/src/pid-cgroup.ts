/** /proc/PID/cgroup: cgroups(7). One line per hierarchy, `ID:CONTROLLERS:PATH`; the unified one is `0::PATH`. */
import { cgroupPlace } from "@conntrail/model";
import { readText } from "./read-file.ts";

/** Where a process stands in the control groups. */
export interface PidCgroup {
  /** The path that names a container, where any does; else that of the unified hierarchy; where that is the root, or missing, the longest of cgroup v1. */
  readonly path: string;
  /** 64 hexadecimal digits found in that path, else empty: what Docker, containerd, CRI-O and podman name a container's group after. */
  readonly containerId: string;
}

/** Reads /proc/PID/cgroup; `undefined` when the process is gone. Throws OpError. */
export function readPidCgroup(root: string, pid: number): PidCgroup | undefined {
  const text = readText(`${root}/${pid}/cgroup`);
  return text === undefined ? undefined : parsePidCgroup(text);
}

/** Parses /proc/PID/cgroup. Lines of another form are passed over. */
export function parsePidCgroup(text: string): PidCgroup {
  let unified = "";
  let longest = "";
  let container = "";
  for (const line of text.split("\n")) {
    const [, id, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (id === "0" && controllers === "") unified = path;
    else if (path.length > longest.length) longest = path;
    if (path.length > container.length && cgroupPlace(path).containerId !== "") container = path;
  }
  const path = container || (unified.length > 1 ? unified : longest || unified);
  return { path, containerId: cgroupPlace(path).containerId };
}
