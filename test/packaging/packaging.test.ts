/** packaging/: each file is held by the tool that reads it, every metric and option named exists, and each capability has its effect. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Diagnosis } from "@conntrail/doctor";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { mustRun, runCommand } from "../lab/command.ts";
import {
  CONNTRAIL,
  createLab,
  kernelTest,
  loopbackLab,
  NOBODY,
  runConntrail,
  startConntrail,
  TRACK,
} from "../lab/index.ts";

const FOLDER = fileURLToPath(new URL("../../packaging", import.meta.url));
const read = (file: string): string => readFileSync(join(FOLDER, file), "utf8");

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string }[];
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
  };
  readonly livenessProbe: { readonly exec: { readonly command: readonly string[] } };
}

interface Pod {
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly containers: readonly [Container];
}

const pod = (parse(read("kubernetes-daemonset.yaml")) as { spec: { template: { spec: Pod } } }).spec.template.spec;

/** The capabilities of a line of the unit, without their first syllable. */
function ofUnit(setting: string): string[] {
  const [, list = ""] = new RegExp(`^${setting}=(.*)$`, "m").exec(read("conntrail.service")) ?? [];
  return list.split(" ").map((name) => name.replace(/^CAP_/, ""));
}

test("the unit and the DaemonSet have the same capabilities, each with its reason beside it, and nothing else", () => {
  const wanted = ofUnit("AmbientCapabilities").toSorted();
  expect(wanted).toHaveLength(5);
  expect(ofUnit("CapabilityBoundingSet").toSorted()).toEqual(wanted);
  const { capabilities, ...context } = pod.containers[0].securityContext;
  expect(capabilities.add.toSorted()).toEqual(wanted);
  expect(capabilities.drop).toEqual(["ALL"]);
  expect(context).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
  expect(pod).toMatchObject({ hostNetwork: true, hostPID: true, automountServiceAccountToken: false });
  for (const name of wanted) {
    expect(read("conntrail.service")).toMatch(new RegExp(`^# CAP_${name} +\\S`, "m"));
    expect(read("kubernetes-daemonset.yaml")).toMatch(new RegExp(`- ${name} # \\S`));
    expect(read("Containerfile")).toContain(`--cap-add=${name}`);
  }
});

kernelTest(
  "systemd takes the unit, and finds its exposure low",
  async () => {
    using folder = scratch();
    const unit = join(folder.path, "conntrail.service");
    const text = read("conntrail.service").replace("/usr/bin/conntrail", `${process.execPath} ${CONNTRAIL}`);
    writeFileSync(unit, text.replace(/^Documentation=.*$/m, ""));
    const verified = await runCommand("systemd-analyze", ["verify", unit]);
    expect(verified).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const { stdout } = await runCommand("systemd-analyze", ["security", "--offline=true", "--no-pager", unit]);
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)![1])).toBeLessThan(4);
  },
  { requires: ["systemd-analyze"] },
);

kernelTest(
  "with exactly these capabilities the doctor misses nothing, and without each it names what is lost",
  async () => {
    await using lab = await createLab("host", "other");
    for (const namespace of lab.namespaces) await namespace.nft(TRACK);
    for (const name of ["acct", "timestamp"]) await lab.ns("host").sysctl(`net.netfilter.nf_conntrack_${name}`, 1);
    await lab.ns("other").start("tcp-server");
    const all = ofUnit("AmbientCapabilities");
    const ailing = async (held: readonly string[]): Promise<string[]> => {
      const set = held.map((name) => `+${name.toLowerCase()}`).join(",");
      const bounding = `-all,${set}`;
      const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--no-new-privs"];
      const { stdout } = await lab
        .ns("host")
        .tryExec("setpriv", [
          ...user,
          `--inh-caps=${bounding}`,
          `--ambient-caps=${set}`,
          `--bounding-set=${bounding}`,
          process.execPath,
          CONNTRAIL,
          ...["doctor", "--format", "json", "--no-names"],
        ]);
      const { checks } = JSON.parse(stdout) as Diagnosis;
      const isEffect = (id: string): boolean => !id.startsWith("capability.");
      return checks.filter(({ id, state }) => isEffect(id) && state !== "ok" && state !== "off").map(({ id }) => id);
    };
    const without = (...names: readonly string[]): Promise<string[]> =>
      ailing(all.filter((name) => !names.includes(name)));

    // A sandbox may protect a process or two from everybody: that is told, and no capability mends it.
    const base = (await ailing(all)).filter((id) => id !== "processes");
    expect(base).toEqual([]);
    expect(await without("NET_ADMIN")).toContain("ctnetlink");
    expect(await without("SYS_ADMIN")).toContain("namespaces");
    expect(await without("SYS_ADMIN", "PERFMON")).toContain("perf-events");
    expect(await without("SYS_PTRACE")).toContain("processes");
    expect(await without("DAC_READ_SEARCH")).toContain("processes");
  },
  { timeout: 180_000 },
);

test("options and variables that the files name exist", async () => {
  const help = (await runConntrail(undefined, ["serve", "--help"])).stdout;
  for (const { name } of pod.containers[0].env) {
    expect(help).toContain(
      `--${name
        .replace(/^CONNTRAIL_/, "")
        .toLowerCase()
        .replaceAll("_", "-")} `,
    );
  }
  expect(pod.containers[0].args).toEqual(["serve"]);
  expect(read("Containerfile")).toMatch(/^ENTRYPOINT \["conntrail"\]\nCMD \["serve"\]$/m);
});

kernelTest(
  "Debian's Prometheus scrapes `serve`, promtool finds nothing to complain about, and the probes of the container agree",
  async () => {
    await using lab = await loopbackLab();
    using folder = scratch();
    const probes = [pod.containers[0].livenessProbe.exec.command, healthCheck()];
    const probe = (command: readonly string[]) => lab.host.tryExec(process.execPath, command.slice(1));
    for (const command of probes) expect((await probe(command)).code).toBe(1);

    const served = startConntrail(lab.host, ["serve", "--no-names", "--namespaces", "own"]);
    const healthy = async (): Promise<boolean> => (await probe(probes[0]!)).code === 0;
    while (served.running && !(await healthy())) await new Promise((resolve) => setTimeout(resolve, 250));
    for (const command of probes) expect((await probe(command)).code).toBe(0);

    const fetched = await lab.host.exec(process.execPath, [
      "-e",
      `fetch("http://127.0.0.1:4747/metrics").then((r) => r.text()).then(console.log)`,
    ]);
    expect(fetched).toMatch(/^conntrail_reports_total [1-9]/m);
    expect(await runCommand("promtool", ["check", "metrics"], { input: fetched })).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });

    writeFileSync(
      join(folder.path, "prometheus.yml"),
      `global: { scrape_interval: 500ms, scrape_timeout: 450ms }
scrape_configs: [{ job_name: conntrail, static_configs: [{ targets: ["127.0.0.1:4747"] }] }]
`,
    );
    const place = [`--storage.tsdb.path=${join(folder.path, "data")}`, "--web.listen-address=127.0.0.1:9090"];
    const prometheus = lab.host.spawn("prometheus", [`--config.file=${join(folder.path, "prometheus.yml")}`, ...place]);
    const ask = `fetch("http://127.0.0.1:9090/api/v1/query?query=conntrail_reports_total").then((r) => r.json()).then(
      ({ data }) => console.log(data.result[0]?.value[1] ?? "0"), () => console.log("0"))`;
    const scraped = async (): Promise<number> => Number(await lab.host.exec(process.execPath, ["-e", ask]));
    let reports = 0;
    while (prometheus.running && reports === 0) reports = await scraped();
    expect(reports).toBeGreaterThan(0);
  },
  { requires: ["prometheus", "promtool"], timeout: 120_000 },
);

kernelTest(
  "the dashboard speaks of metrics that exist, in expressions that Prometheus understands",
  async () => {
    const { panels } = JSON.parse(read("grafana-dashboard.json")) as Dashboard;
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const listed = new Set(
      [...readFileSync(join(FOLDER, "../README.md"), "utf8").matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name!),
    );
    const used = expressions.flatMap((each) => [...each.matchAll(/conntrail_(\w+)/g)].map(([, name]) => name!));
    expect(used.filter((name) => !listed.has(name.replace(/_(sum|count)$/, "")) && !listed.has(name))).toEqual([]);
    expect(new Set(used).size).toBeGreaterThan(20);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    using folder = scratch();
    const rules = expressions.map((expr, i) => ({ record: `panel:${i}`, expr: filledIn(expr) }));
    const file = join(folder.path, "rules.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(await mustRun("promtool", ["check", "rules", file])).toMatch(new RegExp(`SUCCESS: ${rules.length} rules`));
  },
  { requires: ["promtool"] },
);

interface Dashboard {
  readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[];
}

function filledIn(expression: string): string {
  return expression.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance)/g, ".*");
}

function healthCheck(): string[] {
  return JSON.parse(/^HEALTHCHECK .*CMD (\[.*\])$/m.exec(read("Containerfile"))![1]!) as string[];
}

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "conntrail-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
