/** packaging/prometheus-alerts.yml against Debian's Prometheus: each alert fires when its fault is induced, and clears when it is over. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { mustRun } from "../lab/command.ts";
import { kernelTest, type LabNamespace, type Program, plainLab, TRACK } from "../lab/index.ts";

const RULES = fileURLToPath(new URL("../../packaging/prometheus-alerts.yml", import.meta.url));
const AGENT = fileURLToPath(new URL("./programs/metered.mjs", import.meta.url));
const METRIC_LIST = new URL("../../README.md", import.meta.url);

kernelTest(
  "N17 the rules are valid, and speak of metrics that exist",
  async () => {
    await mustRun("promtool", ["check", "rules", RULES]);
    const listed = new Set([...readFileSync(METRIC_LIST, "utf8").matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name));
    const used = [...readFileSync(RULES, "utf8").matchAll(/conntrail_(\w+)/g)].map(([, name]) => name!);
    expect(used.filter((name) => !listed.has(name))).toEqual([]);
    expect(new Set(used).size).toBeGreaterThan(5);
  },
  { requires: ["promtool"] },
);

kernelTest(
  "N17 each alert fires when its fault is induced, and clears when it is over",
  async () => {
    await using lab = await plainLab();
    using folder = scratch();
    const agent = lab.host.spawn(process.execPath, [AGENT]);
    const { port } = await agent.json<{ port: number }>(30_000);
    await using prometheus = startPrometheus(lab.host, folder.path, port);
    const firing = alertsOf(lab.host, prometheus);
    const server = await lab.host.start("tcp-server");
    const client = { host: "127.0.0.1", port: server.ready.port!, connections: 2, hold: true };
    await lab.host.start("tcp-client", client);

    // Nothing refers to ct: nothing is tracked.
    await firing("ConntrailPartOff", true);
    await lab.host.nft(TRACK);
    await lab.host.start("tcp-client", client);
    await firing("ConntrailPartOff", false);

    // The process stands still, and the events that came meanwhile do not fit into its buffer.
    agent.signal("SIGSTOP");
    await lab.host.start("tcp-client", { ...client, connections: 2000, hold: false });
    await firing("ConntrailNoReports", true);
    agent.signal("SIGCONT");
    await firing("ConntrailConnectionsLost", true);
    await firing("ConntrailNoReports", false);
    await firing("ConntrailConnectionsLost", false);

    agent.write("scans off\n");
    await firing("ConntrailSocketsStale", true);
    agent.write("scans on\n");
    await firing("ConntrailSocketsStale", false);

    agent.write("app 503\n");
    await firing("ConntrailDeliveriesFail", true);
    agent.write("app 200\n");
    await firing("ConntrailDeliveriesFail", false);
  },
  { timeout: 300_000, requires: ["prometheus"] },
);

/** The very rules, with minutes as seconds: the alerts are tried, not patience. */
function hastened(): string {
  return readFileSync(RULES, "utf8")
    .replaceAll("[5m]", "[5s]")
    .replaceAll("[15m]", "[30s]")
    .replaceAll(/for: \dm/g, "for: 1s")
    .replace("> 60", "> 3");
}

function startPrometheus(namespace: LabNamespace, folder: string, port: number): Program {
  writeFileSync(join(folder, "rules.yml"), hastened());
  writeFileSync(
    join(folder, "prometheus.yml"),
    `global: { scrape_interval: 500ms, scrape_timeout: 450ms, evaluation_interval: 500ms }
rule_files: [rules.yml]
scrape_configs: [{ job_name: agent, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }]
`,
  );
  const place = [`--storage.tsdb.path=${join(folder, "data")}`, "--web.listen-address=127.0.0.1:9090"];
  return namespace.spawn("prometheus", [`--config.file=${join(folder, "prometheus.yml")}`, ...place]);
}

/** Waits until an alert fires, or no longer does. */
function alertsOf(namespace: LabNamespace, prometheus: Program) {
  const ask = `fetch("http://127.0.0.1:9090/api/v1/alerts").then((r) => r.json()).then(({ data }) =>
    console.log(JSON.stringify(data.alerts.filter((a) => a.state === "firing").map((a) => a.labels.alertname))), () => console.log("[]"))`;
  return async (name: string, wanted: boolean): Promise<void> => {
    const deadline = Date.now() + 60_000;
    let seen: string[] = [];
    do {
      const stdout = await namespace.exec(process.execPath, ["-e", ask]);
      seen = JSON.parse(stdout) as string[];
      if (seen.includes(name) === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    } while (Date.now() < deadline && prometheus.running);
    throw new Error(
      `${name} ${wanted ? "does not fire" : "does not clear"}; firing: ${seen}; ${prometheus.stderr.slice(-500)}`,
    );
  };
}

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "conntrail-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
