/** What paths of control groups say, as each runtime writes them: by cgroup v1, hybrid and v2, by the drivers of the kernel's folders and of systemd. */
import { cgroupPlace } from "@conntrail/model";
import { parsePidCgroup } from "@conntrail/procfs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const ID = "3f4f2c8f0f1d7f7e0d5c5e7b1a9c8d6e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c";
const OTHER = `${"0".repeat(63)}1`;
const POD = "7f1e5ad3-b3ab-4c1f-9c3f-0123456789ab";
const POD_ = POD.replaceAll("-", "_");
const NOWHERE = { containerId: "", runtime: "", podUid: "", unit: "", slice: "" };

describe("a path names the container, who runs it, the pod, the unit and the slice", () => {
  test.each<[string, string, Partial<ReturnType<typeof cgroupPlace>>]>([
    ["Docker, cgroup v1", `/docker/${ID}`, { containerId: ID, runtime: "docker" }],
    [
      "Docker, systemd",
      `/system.slice/docker-${ID}.scope`,
      { containerId: ID, runtime: "docker", slice: "system.slice" },
    ],
    [
      "Docker, rootless",
      `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`,
      { containerId: ID, runtime: "docker", slice: "user.slice" },
    ],
    ["containerd, ctr and nerdctl", `/default/${ID}`, { containerId: ID, runtime: "containerd" }],
    [
      "nerdctl, systemd",
      `/system.slice/nerdctl-${ID}.scope`,
      { containerId: ID, runtime: "containerd", slice: "system.slice" },
    ],
    ["Podman, folders", `/libpod_parent/libpod-${ID}`, { containerId: ID, runtime: "podman" }],
    [
      "Podman, systemd",
      `/machine.slice/libpod-${ID}.scope/container`,
      { containerId: ID, runtime: "podman", slice: "machine.slice" },
    ],
    [
      "Podman, rootless",
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
      { containerId: ID, runtime: "podman", slice: "user.slice" },
    ],
    [
      "conmon, which looks after a container from outside",
      `/machine.slice/libpod-conmon-${ID}.scope`,
      { slice: "machine.slice" },
    ],
    [
      "Kubernetes with containerd, systemd",
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD_}.slice/cri-containerd-${ID}.scope`,
      { containerId: ID, runtime: "containerd", podUid: POD, slice: `kubepods-burstable-pod${POD_}.slice` },
    ],
    [
      "Kubernetes with CRI-O",
      `/kubepods.slice/kubepods-pod${POD_}.slice/crio-${ID}.scope`,
      { containerId: ID, runtime: "cri-o", podUid: POD, slice: `kubepods-pod${POD_}.slice` },
    ],
    [
      "Kubernetes, folders: who runs it is not said",
      `/kubepods/besteffort/pod${POD}/${ID}`,
      { containerId: ID, podUid: POD },
    ],
    [
      "Kubernetes with containerd, a name of runc in a service",
      `/system.slice/containerd.service/kubepods-burstable-pod${POD_}.slice:cri-containerd:${ID}`,
      { containerId: ID, runtime: "containerd", podUid: POD, slice: "system.slice" },
    ],
    ["a static pod", `/kubepods/burstable/pod${"0a".repeat(16)}/${ID}`, { containerId: ID, podUid: "0a".repeat(16) }],
    [
      "Kubernetes in Docker: the innermost container",
      `/docker/${OTHER}/kubelet/kubepods/besteffort/pod${POD}/${ID}`,
      { containerId: ID, podUid: POD },
    ],
    [
      "systemd within a container: the unit is the container's",
      `/system.slice/docker-${ID}.scope/system.slice/nginx.service`,
      { containerId: ID, runtime: "docker", unit: "nginx.service", slice: "system.slice" },
    ],
    ["a service", "/system.slice/nginx.service", { unit: "nginx.service", slice: "system.slice" }],
    [
      "an instance, its name escaped",
      String.raw`/system.slice/system-getty.slice/serial\x2dgetty@ttyS0.service`,
      { unit: "serial-getty@ttyS0.service", slice: "system-getty.slice" },
    ],
    ["a login", "/user.slice/user-1000.slice/session-3.scope", { unit: "session-3.scope", slice: "user-1000.slice" }],
    ["the first process", "/init.scope", { unit: "init.scope" }],
    ["the root", "/", {}],
    ["nothing", "", {}],
    ["64 digits that are part of a longer name", `/build-${ID}0`, {}],
  ])("%s", (_, path, expected) => {
    expect(cgroupPlace(path)).toEqual({ ...NOWHERE, ...expected });
  });

  test("F51 of containers in one another the innermost is named, and the monitor of one is not it", () => {
    const inner = ID.replaceAll("a", "b");
    expect(inner).not.toBe(ID);
    for (const path of [
      `/docker/${ID}/docker/${inner}`,
      `/system.slice/docker-${ID}.scope/libpod_parent/libpod-${inner}`,
      `/kubepods/besteffort/pod${POD}/${ID}/docker/${inner}`,
    ]) {
      expect(cgroupPlace(path).containerId).toBe(inner);
    }
    expect(cgroupPlace(`/docker/${ID}/machine.slice/libpod-conmon-${inner}.scope`).containerId).not.toBe(inner);
  });

  test("and any text gives a place", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof cgroupPlace(text).unit === "string"));
  });
});

describe("of several hierarchies the path that says most counts", () => {
  test.each([
    ["v2", `0::/system.slice/docker-${ID}.scope\n`, `/system.slice/docker-${ID}.scope`],
    ["v1", `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, `/docker/${ID}`],
    ["hybrid, the container in v1 alone", `3:cpu:/docker/${ID}\n0::/system.slice/docker.service\n`, `/docker/${ID}`],
    ["hybrid, no container", "3:cpu:/user.slice\n0::/user.slice/user-0.slice\n", "/user.slice/user-0.slice"],
    [
      "hybrid, the unified one unused",
      "1:name=systemd:/system.slice/sshd.service\n0::/\n",
      "/system.slice/sshd.service",
    ],
  ])("%s", (_, text, path) => {
    expect(parsePidCgroup(text)).toEqual({ path, containerId: cgroupPlace(path).containerId });
  });
});
