/** Who a process is, in words that people use: what the path of its control group says, and what its container is called. The members that are not known are absent. */
import { type CgroupPlace, cgroupPlace, type Owner } from "@conntrail/model";
import type { EndProcessJson, ProcessJson } from "./json-shape.ts";

/** What an end tells of its process beside pid and name. */
export function endProcess(owner: Owner): EndProcessJson {
  const place = cgroupPlace(owner.cgroup);
  return known<EndProcessJson>({
    startTicks: owner.startTicks,
    containerId: owner.containerId,
    containerName: owner.container?.name,
    image: owner.container?.image,
    pod: podOf(owner, place),
    unit: place.unit,
    user: owner.user,
  });
}

/** Everything that is known of a process. */
export function processJson(owner: Owner): ProcessJson {
  const { pid, startTicks, ppid, process, cmdline, cgroup, containerId, container } = owner;
  const place = cgroupPlace(cgroup);
  return {
    pid,
    startTicks,
    ppid,
    process,
    cmdline,
    cgroup: cgroup || null,
    containerId: containerId || null,
    ...known<Partial<ProcessJson>>({
      uid: owner.uid,
      user: owner.user,
      unit: place.unit,
      slice: place.slice,
      runtime: place.runtime,
      podUid: place.podUid,
      containerName: container?.name,
      image: container?.image,
      podName: container?.pod,
      podNamespace: container?.namespace,
      podContainer: container?.containerOfPod,
      composeProject: container?.composeProject,
      composeService: container?.composeService,
    }),
  };
}

/** `namespace/name` where the labels say so, else the uid out of the path. */
function podOf({ container }: Owner, { podUid }: CgroupPlace): string {
  const { pod, namespace } = container ?? {};
  if (!pod) return podUid;
  return namespace ? `${namespace}/${pod}` : pod;
}

function known<T>(members: { readonly [K in keyof T]: T[K] | "" | undefined }): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && value !== ""),
  ) as unknown as T;
}
