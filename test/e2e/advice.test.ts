/** What a report advises, done as it stands: then what was missing is there. */
import type { ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, plainLab, runConntrail } from "../lab/index.ts";
import { OWN } from "./reports.ts";

async function report(host: LabNamespace): Promise<ReportJson> {
  const { stdout } = await runConntrail(host, ["report", "--format", "json", "--window", "1s", "--no-names", ...OWN]);
  return JSON.parse(stdout) as ReportJson;
}

kernelTest(
  "N8 the rule that is advised where nothing is tracked runs as it stands, and then connections are tracked",
  async () => {
    await using lab = await plainLab();
    const { host } = lab;
    const server = await host.start("tcp-server");
    const port = server.ready.port!;
    await host.start("tcp-client", { port, connections: 2, hold: true });
    const { conntrack } = (await report(host)).health;
    expect(conntrack.reason).toBe("no-rule");
    const [, rules] = /nft '([^']+)'$/.exec(conntrack.advice!)!;
    await host.exec("nft", [rules!]);

    const client = await host.start("tcp-client", { port, connections: 2, hold: true });
    expect(client.ready.ports).toHaveLength(2);
    expect((await report(host)).health.conntrack).toMatchObject({ state: "ok", reason: null, flows: 2 });
  },
);
