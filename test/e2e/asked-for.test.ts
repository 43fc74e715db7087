/** What is told when it is asked for, or when the kernel knows it: senders to groups (F57), and when a flow really began (F67). */

import type { ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { createLab, kernelTest, loopbackLab, runConntrail } from "../lab/index.ts";
import { NETWORK, OWN, report, toPort } from "./reports.ts";

kernelTest(
  "F57 who sends to a multicast group or a broadcast address is told with --multicast, and only then",
  async () => {
    await using lab = await createLab("sender", "other");
    const near = `10.${NETWORK}.57`;
    await lab.link(
      { role: "sender", device: "eth0", address: `${near}.1/24` },
      { role: "other", device: "eth0", address: `${near}.2/24` },
    );
    const sender = lab.ns("sender");
    await sender.exec("ip", ["route", "add", "default", "dev", "eth0"]);
    await sender.nft("table inet track { chain leave { type filter hook output priority 0; ct state new counter; }; }");
    const groups = ["239.1.2.3", "255.255.255.255"];
    const running = await Promise.all(
      groups.map((host) => sender.start("udp-client", { host, port: 5354, "one-way": true, broadcast: true })),
    );

    const asked = toPort(await report(sender, [...OWN, "--multicast", "--no-sockets"]), 5354);
    const silent = await runConntrail(sender, ["report", "--window", "300ms", "--no-names", "--no-sockets", ...OWN]);
    const owned = toPort(await report(sender, [...OWN, "--multicast"]), 5354);

    expect(asked.map(({ to, state }) => [to.address, state]).sort()).toEqual(
      groups.map((group) => [group, "unreplied"]),
    );
    expect((JSON.parse(silent.stdout) as ReportJson).connections).toEqual([]);
    expect(owned.map(({ from }) => from.pid).sort()).toEqual(running.map(({ pid }) => pid).sort());
  },
);

kernelTest(
  "F67 N20 with nf_conntrack_timestamp a flow that is older than its watcher began when the kernel says",
  async () => {
    await using lab = await loopbackLab();
    const { host } = lab;
    await host.sysctl("net.netfilter.nf_conntrack_timestamp", 1);
    const server = await host.start("tcp-server", { host: "127.0.0.1" });
    const port = server.ready.port!;
    const beforeMs = Date.now();
    await host.start("tcp-client", { host: "127.0.0.1", port, hold: true });
    const afterMs = Date.now();
    // The watcher has to begin later than that by more than the two clocks can differ.
    await new Promise((resolve) => setTimeout(resolve, 1500));

    for (const more of [[], ["--no-sockets"]]) {
      const found = toPort(await report(host, [...OWN, ...more]), port);
      expect(found).toHaveLength(1);
      const firstMs = Date.parse(found[0]!.firstSeen!);
      expect(firstMs).toBeGreaterThanOrEqual(beforeMs - 20);
      expect(firstMs).toBeLessThanOrEqual(afterMs + 20);
    }
  },
);
