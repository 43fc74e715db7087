/** Containers of a real runtime: their connections carry what Podman calls them, those that live a second, too. */
import type { EndJson, Report } from "@conntrail/report";
import { createReporter } from "@conntrail/reporter";
import { firstValueFrom } from "rxjs";
import { expect } from "vitest";
import { IMAGE, kernelTest, loopbackLab, openPodman, PODMAN } from "../lab/index.ts";

const PORT = 7_790;

/** Reports to wait for: starting containers takes long on a busy machine. */
const PATIENCE = 120;

kernelTest(
  "connections of containers carry the container's name and image, also of one that lived a second",
  async () => {
    await using lab = await loopbackLab();
    await using podman = await openPodman();
    const server = podman.start(
      lab.host,
      "shop-web",
      `echo ready; exec /bin/busybox nc -ll -p ${PORT} -e /bin/busybox true`,
      ["--label", "io.kubernetes.pod.name=web-7", "--label", "io.kubernetes.pod.namespace=shop"],
    );
    await server.line((line) => line === "ready", 60_000);
    const reporter = createReporter({ intervalMs: 500, names: false, containerApi: podman.api });
    const ends: { readonly from: EndJson; readonly to: EndJson }[] = [];
    let last: Report | undefined;
    const runtimes = new Set<string>();
    reporter.reports$.subscribe({
      next: (report) => {
        last = report;
        for (const { runtime } of report.toJSON().processes) if (runtime !== undefined) runtimes.add(runtime);
        for (const { from, to } of report.connections()) {
          if (to.port === PORT) ends.push({ from: from.toJSON(), to: to.toJSON() });
        }
      },
      error: expect.unreachable,
    });
    await reporter.ready;
    const call = `/bin/busybox nc 127.0.0.1 ${PORT} </dev/null; /bin/busybox sleep 0.2`;
    const client = podman.start(lab.host, "shop-client", `for i in 1 2 3 4 5; do ${call}; done; echo done`);
    await client.line((line) => line === "done", 60_000);
    await client.exited;
    const isNamed = (): boolean => ends.some(({ from, to }) => from.containerName && to.containerName);
    for (let i = 0; i < PATIENCE && !isNamed(); i++) {
      await firstValueFrom(reporter.reports$, { defaultValue: undefined });
    }
    await reporter.close();
    const told = (side: "from" | "to", member: "containerName" | "image" | "pod" | "process") => [
      ...new Set(ends.flatMap(({ [side]: end }) => (end.containerName === undefined ? [] : [end[member]]))),
    ];
    expect(told("from", "containerName")).toEqual(["shop-client"]);
    expect(told("to", "containerName")).toEqual(["shop-web"]);
    expect([told("from", "image"), told("to", "image")]).toEqual([[IMAGE], [IMAGE]]);
    expect([told("from", "pod"), told("to", "pod")]).toEqual([[undefined], ["shop/web-7"]]);
    expect(last!.health.containers).toMatchObject({ state: "ok", reason: null, failures: 0 });
    expect(runtimes).toEqual(new Set(["podman"]));
  },
  { requires: PODMAN, timeout: 240_000 },
);
