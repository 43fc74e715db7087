/** Names of addresses come from servers in the lab; a report never waits for one. */
import type { Explanation } from "@conntrail/reporter";
import { expect } from "vitest";
import {
  blackHoleDnsIn,
  type DnsServer,
  dnsmasqIn,
  kernelTest,
  type NatLab,
  natLab,
  nodeDnsIn,
  runConntrail,
} from "../lab/index.ts";
import { NETWORK, OWN, parsed, toPort, watch } from "./reports.ts";

kernelTest("S15 names from a DNS server arrive in a later report", async () => {
  await using lab = await clientAndServer();
  await expectNames(lab, await nodeDnsIn(lab.router, records(lab), { delayMs: 300 }));
});

kernelTest(
  "S15 names from dnsmasq arrive in a later report",
  async () => {
    await using lab = await clientAndServer();
    await expectNames(lab, await dnsmasqIn(lab.router, records(lab)));
  },
  { requires: ["dnsmasq"] },
);

kernelTest("F44 report asks for names while its window runs, so that one report has them", async () => {
  await using lab = await clientAndServer();
  const dns = await nodeDnsIn(lab.router, records(lab));
  await lab.client.start("tcp-client", { host: lab.servers[0]!.address, port: 9000, hold: true });
  const args = ["report", "--format", "json", "--window", "2s", ...OWN, "--name-server", dns.address];
  const [found] = toPort(parsed(await runConntrail(lab.client, args)), 9000);

  expect(found?.to.names).toEqual(["web.lab"]);
  expect(found?.from.names).toEqual(["desk.lab"]);
});

kernelTest(
  "why tells of an end without a name which server was asked, how often, and whether it has none or is silent",
  async () => {
    await using lab = await clientAndServer();
    const dns = await nodeDnsIn(lab.router, { [lab.client.address]: ["desk.lab"] });
    const hole = await blackHoleDnsIn(lab.router, { port: 5353 });
    await lab.client.start("tcp-client", { host: lab.servers[0]!.address, port: 9000, hold: true });
    const why = async (server: string): Promise<string> => {
      const args = ["why", ":9000", "--window", "1s", ...OWN, "--name-server", server, "--format", "json"];
      const { code, stdout, stderr } = await runConntrail(lab.client, args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { explanations } = JSON.parse(stdout) as { readonly explanations: readonly Explanation[] };
      return explanations[0]!.blanks.find(({ about }) => about === "to.names")!.text;
    };

    const address = lab.servers[0]!.address;
    expect(await why(dns.address)).toBe(
      `${dns.address} was asked for ${address} once, and answered that it has no name`,
    );
    expect(await why(`${hole.address}:${hole.port}`)).toMatch(
      new RegExp(`^${hole.address}:5353 was asked for ${address} (once|twice), and `),
    );
  },
);

kernelTest(
  "S15 F41 with a server that never answers no report is late, and few lookups leave the host",
  async () => {
    await using lab = await natLab({ network: NETWORK, masquerade: false, track: "all" });
    const hole = await blackHoleDnsIn(lab.router);
    await lab.servers[0]!.start("tcp-server", { port: 9000 });
    const others = Array.from({ length: 60 }, (_, i) => lab.servers[0]!.address.replace(/\d+$/, String(100 + i)));
    const device = lab.servers[0]!;
    const commands = others.map((address) => `addr add ${address}/32 dev eth0\n`).join("");
    await device.exec("ip", ["-batch", "-"], { input: commands });
    await using running = await watch(lab.client, [...OWN, "--name-server", hole.address, "--lookups", "5"], "500ms");
    await lab.client.exec(process.execPath, ["-e", CONNECT_ALL, ...others]);
    await running.until(({ connections }) => connections.length > 0);
    const asked = hole.queries();
    const from = performance.now();
    for (let i = 0; i < 8; i++) await running.until(() => true);
    const seconds = (performance.now() - from) / 1000;
    const queries = hole.queries() - asked;
    const reports = await running.stop();

    // What one second may send, at the beginning, and what each second adds.
    expect(hole.queries()).toBeGreaterThan(0);
    expect(queries).toBeLessThanOrEqual(5 * (seconds + 1) + 1);
    const gaps = reports.slice(2, -1).map((one, i) => endMs(one) - endMs(reports[i + 1]!));
    expect(gaps.toSorted((a, b) => a - b)[gaps.length >> 1]).toBeLessThan(750);
    expect(reports.at(-1)!.health.names.state).not.toBe("ok");
  },
  40_000,
);

kernelTest("F42 conntrail's own lookups are told as its own traffic", async () => {
  await using lab = await clientAndServer();
  // Lookups at port 53 are summed up by service, whoever makes them; at another port each has a row.
  const dns = await nodeDnsIn(lab.router, records(lab), { port: 5353 });
  await using running = await watch(lab.client, [...OWN, "--name-server", `${dns.address}:${dns.port}`]);
  await lab.client.start("tcp-client", { host: lab.servers[0]!.address, port: 9000, hold: true });
  await running.until(({ connections }) => connections.some(({ to }) => to.names.length > 0));
  await running.until(() => true);
  const reports = await running.stop();

  const lookups = toPort(reports, dns.port);
  expect(lookups.length).toBeGreaterThan(0);
  for (const one of lookups) expect(one.flags).toContain("selfTraffic");
  for (const one of toPort(reports, 9000)) expect(one.flags ?? []).not.toContain("selfTraffic");
});

async function clientAndServer(): Promise<NatLab> {
  const lab = await natLab({ network: NETWORK, masquerade: false, track: "all" });
  await lab.servers[0]!.start("tcp-server", { port: 9000 });
  return lab;
}

function records(lab: NatLab): Record<string, string[]> {
  // The server of names, too, is an end of a connection: of the lookups.
  return {
    [lab.servers[0]!.address]: ["web.lab"],
    [lab.client.address]: ["desk.lab"],
    [lab.router.address]: ["gate.lab"],
  };
}

/** The connection is told at once, without a name, and later with it; each name is asked for a few times at the most. */
async function expectNames(lab: NatLab, dns: DnsServer): Promise<void> {
  await using running = await watch(lab.client, [...OWN, "--name-server", dns.address]);
  await lab.client.start("tcp-client", { host: lab.servers[0]!.address, port: 9000, hold: true });
  const first = await running.until((one) => toPort(one, 9000)[0]);
  const named = await running.until((one) => toPort(one, 9000).find(({ to }) => to.names.length > 0));

  // A report waits for no name, and a quick server's is there before the first one (F44).
  expect([[], ["web.lab"]]).toContainEqual(first.to.names);
  expect(named.to.names).toEqual(["web.lab"]);
  const { health } = running.reports.at(-1)!;
  expect(health.names).toMatchObject({ state: "ok", failures: 0 });
  await running.until(() => true);
  await running.until(() => true);
  expect(dns.queries()).toBeLessThanOrEqual(4);
  await running.stop();
}

/** Connects once to port 9000 of each address given. */
const CONNECT_ALL = `
  for (const host of process.argv.slice(1)) {
    const socket = require("node:net").connect({ host, port: 9000 }, () => socket.end());
  }`;

function endMs({ window }: { readonly window: { readonly end: string | null } }): number {
  return Date.parse(window.end!);
}
