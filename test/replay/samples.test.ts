/** The samples and what they must be replayed to: the files in goldens/ are the output, whole, of the command named in each test. */
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ReportJson } from "@conntrail/report";
import { expect, test, vi } from "vitest";
import { runConntrail } from "../lab/index.ts";

// A busy machine takes long to start a program, and each of these starts one or two.
vi.setConfig({ testTimeout: 120_000 });

const SAMPLES = join(import.meta.dirname, "../../samples");
const NAMES: readonly string[] = readdirSync(SAMPLES).filter((name) => /\.pcapng(?:\.gz)?$/.test(name));

async function replay(name: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runConntrail(undefined, ["replay", join(SAMPLES, name), ...args]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout;
}

test("there is a shop, a scan of closed ports, a burst of short connections and an overrun, each below 200 KiB", () => {
  expect(NAMES.map((name) => name.replace(/\..*/, ""))).toEqual(["burst", "overrun", "port-scan", "shop"]);
  for (const name of NAMES) expect(statSync(join(SAMPLES, name)).size, name).toBeLessThan(200 * 1024);
});

test.each(NAMES)("replay %s --format table --each --limit 40 prints its golden table", async (name) => {
  const output = await replay(name, "--format", "table", "--each", "--limit", "40");
  await expect(output).toMatchFileSnapshot(`goldens/${name}.txt`);
});

test("replay shop.pcapng --format table prints who talks to whom", async () => {
  await expect(await replay("shop.pcapng", "--format", "table")).toMatchFileSnapshot("goldens/shop.pcapng.groups.txt");
});

test.each(["shop.pcapng", "port-scan.pcapng"])("replay %s prints its golden JSON", async (name) => {
  const output = await replay(name, "--format", "json");
  await expect(`${JSON.stringify(JSON.parse(output), null, 1)}\n`).toMatchFileSnapshot(`goldens/${name}.json.txt`);
});

test.each(["scope", "dot"])("replay shop.pcapng --format %s prints its golden output", async (format) => {
  const output = await replay("shop.pcapng", "--format", format);
  await expect(output).toMatchFileSnapshot(`goldens/shop.pcapng.${format}`);
});

test.each(NAMES)("every report of %s is the same, byte by byte, in two processes", async (name) => {
  const [first, second] = await Promise.all([replay(name, "--format", "ndjson"), replay(name, "--format", "ndjson")]);
  expect(createHash("sha256").update(first).digest("hex")).toBe(createHash("sha256").update(second).digest("hex"));
});

test("the shop shows who talks to whom: through the virtual address to both backends, with processes and names", async () => {
  const report = JSON.parse(await replay("shop.pcapng")) as ReportJson;
  const edges = new Set(
    report.connections.map(({ from, to, nat }) => `${from.names[0]} ${nat?.visible.to.address ?? ""}> ${to.names[0]}`),
  );
  expect(edges).toContain("browser.shop.example > web.shop.example");
  expect(edges).toContain("web.shop.example 10.9.0.1> app-1.shop.example");
  expect(edges).toContain("web.shop.example 10.9.0.1> app-2.shop.example");
  expect(edges).toContain("app-1.shop.example > database.shop.example");
  expect(new Set(report.connections.map(({ to }) => to.process))).toContain("database");
});

test("the overrun is told with what was lost, and the dump after it has closed the gap", async () => {
  const { health } = JSON.parse(await replay("overrun.pcapng.gz", "--limit", "1")) as ReportJson;
  expect(health.conntrack).toMatchObject({ state: "degraded", reason: "buffer-too-small" });
  expect(health.conntrack.overruns).toBeGreaterThan(0);
  expect(health.conntrack.resyncs).toBeGreaterThan(0);
  expect(health.conntrack.completeSince).not.toBeNull();
});
