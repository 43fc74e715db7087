/** The package as npm ships it: what is in it, and what those do to it who install it. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installedProject, type Project } from "./packed.ts";

const AGENT = `
import { createReporter, type Report, type Reporter, scopeApp } from "conntrail";
import { readCapture } from "conntrail/capture";
import { decodeConntrack } from "conntrail/netlink";
import { openNetlinkSocket } from "conntrail/netlink/socket";
import { encodeJson } from "conntrail/report";

const reporter: Reporter = createReporter({ intervalMs: 0, names: false, namespaces: "own", sinks: [] });
await reporter.ready;
const report: Report = await reporter.report();
for (const c of report.connections()) if (c.from.process === "") throw new Error(c.to.address ?? "nowhere");
const parts: unknown[] = [scopeApp, readCapture, decodeConntrack, openNetlinkSocket];
console.log(parts.every((part) => typeof part === "function"), encodeJson(report).length > 0, report.health.sockets.reason);
await reporter.close();
`;

const WORKS = /^true true /;

/** Not a failure of ours to mend: a source that could not be heard at all would be. */
const HEARD = /^(?!.*(starting|failed|unavailable))/;

let project: Project;
beforeAll(async () => {
  project = await installedProject();
}, 180_000);
afterAll(() => project?.[Symbol.dispose](), 180_000);

test("N14 it holds code, declarations, the page, a licence and what to read, and nothing of the checkout", () => {
  const files = execFileSync("tar", ["-tzf", project.tarball], { encoding: "utf8" }).trim().split("\n");
  for (const wanted of [
    "LICENSE",
    "README.md",
    "package.json",
    "bin/conntrail.js",
    "dist/index.js",
    "dist/index.d.ts",
  ]) {
    expect(files).toContain(`package/${wanted}`);
  }
  const other = files.filter(
    (file) => !/(\/parts\/page\/dist\/.*|\.js|\.d\.ts|\/package\.json|\/LICENSE|\/README\.md)$/.test(file),
  );
  expect(other).toEqual([]);
  expect(files.filter((file) => /tsbuildinfo|\/pack\/|\/src\//.test(file))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(project.folder, "node_modules/conntrail/package.json"), "utf8")) as {
    dependencies: object;
  };
  expect(Object.keys(manifest.dependencies).filter((name) => name.startsWith("@conntrail/"))).toEqual([]);
});

test("what an agent installs has nothing of the store, and the command says what to install", () => {
  const files = execFileSync("tar", ["-tzf", project.tarball], { encoding: "utf8" }).trim().split("\n");
  expect(files.filter((file) => /\/parts\/store\/|\.sql$/.test(file))).toEqual([]);
  const modules = readdirSync(join(project.folder, "node_modules"), { recursive: true, encoding: "utf8" });
  expect(modules.filter((path) => /(^|\/)(@clickhouse|chdb|@opentelemetry\/(sdk|exporter))/.test(path))).toEqual([]);
  const asked = ["history", "03:12", "--clickhouse", "http://127.0.0.1:1"];
  const { status, stderr } = spawnSync(join(project.folder, "node_modules/.bin/conntrail"), asked, {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "conntrail: @conntrail/store is not installed: npm install @conntrail/store\n",
  });
});

test("the store is a package beside it, with its tables' SQL, and the command finds it", async () => {
  const folder = await project.withStore();
  const store = join(folder, "node_modules/@conntrail/store");
  const { messages, pkg } = await publint({ pkgDir: store, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  expect(readdirSync(join(store, "sql"))).toContainEqual(expect.stringMatching(/^0001/));
  const asked = ["store", "query", "edges", "--clickhouse", "http://127.0.0.1:1"];
  const { status, stderr } = spawnSync(join(folder, "node_modules/.bin/conntrail"), asked, { encoding: "utf8" });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining("ECONNREFUSED 127.0.0.1:1") as string,
  });
  expect(stderr).not.toContain("not installed");
  const program = `import { clickhouse } from "@conntrail/store"; import { otlp } from "@conntrail/store/otlp"; console.log(clickhouse({ url: "http://127.0.0.1:1" }).name, typeof otlp);`;
  writeFileSync(join(folder, "keeper.mjs"), program);
  const ran = await project.node(join(folder, "keeper.mjs"));
  expect(ran).toMatchObject({ code: 0, stdout: "clickhouse function\n", stderr: "" });
}, 180_000);

test("publint finds nothing wrong with it", async () => {
  const { messages, pkg } = await publint({ pkgDir: join(project.folder, "node_modules/conntrail"), strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
}, 60_000);

test("its types resolve as its code does, for whoever can load ES modules", async () => {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(project.tarball)));
  if (!result.types) throw new Error("it has no types");
  // ES modules alone, behind an exports map: old resolution (node10) does not know such maps, require() needs Node 20.19.
  const known = new Set(["CJSResolvesToESM"]);
  const problems = result.problems.filter((problem) => !known.has(problem.kind));
  const modern = problems.filter((problem) => !("resolutionKind" in problem && problem.resolutionKind === "node10"));
  expect(modern).toEqual([]);
}, 60_000);

test.each([
  ["nodenext", "nodenext"],
  ["preserve", "bundler"],
])(
  "N19 without types of its own, a strict program with module %s and resolution %s compiles, library checks included, and runs from anywhere",
  async (module, resolution) => {
    const source = project.write("agent.ts", AGENT);
    const out = join(project.folder, `out-${resolution}`);
    const strict = [
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noUncheckedIndexedAccess",
      "--skipLibCheck",
      "false",
    ];
    const target = ["--target", "es2023", "--types", "node", "--module", module!, "--moduleResolution", resolution!];
    const compiled = await project.tool("tsc", "--ignoreConfig", ...strict, ...target, "--outDir", out, source);
    expect(compiled).toMatchObject({ code: 0, stdout: "" });
    const ran = await project.node(join(out, "agent.js"));
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(WORKS);
    expect(ran.stdout).toMatch(HEARD);
  },
  90_000,
);

test("the command is there, by its name", async () => {
  const bin = join(project.folder, "node_modules/.bin/conntrail");
  const version = await project.node(bin, "--version");
  expect(version).toMatchObject({ code: 0, stderr: "" });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const report = await project.node(bin, "report", "--window", "200ms", "--format", "json");
  expect(JSON.parse(report.stdout)).toMatchObject({ schema: "conntrail.report/1" });
}, 60_000);

test("the checkout has the command too, as soon as its dependencies are there", () => {
  expect(existsSync(new URL("../../node_modules/.bin/conntrail", import.meta.url))).toBe(true);
});

const COMMON_JS = `
const { createReporter } = require("conntrail");
const reporter = createReporter({ intervalMs: 0, names: false, namespaces: "own" });
reporter.report().then(({ health }) => { console.log("true true", health.sockets.reason); return reporter.close(); });
`;

test("require() works where Node allows it", async () => {
  const ran = await project.node(project.write("agent.cjs", COMMON_JS));
  expect(ran.stdout).toMatch(WORKS);
  expect(ran.code).toBe(0);
}, 60_000);

test("F63 N15 bundled around it, a program works; bundled in, it says in one sentence what to do", async () => {
  project.write("bundled.cjs", COMMON_JS);
  const bundle = async (format: string, ...options: readonly string[]): Promise<string> => {
    const file = join(project.folder, `bundle-${options.length}.${format === "cjs" ? "cjs" : "mjs"}`);
    const args = [
      "bundled.cjs",
      "--bundle",
      "--platform=node",
      `--format=${format}`,
      `--outfile=${file}`,
      "--loader:.node=copy",
    ];
    const built = await project.tool("esbuild", ...args, "--log-level=error", ...options);
    expect(built.code, built.stderr).toBe(0);
    return file;
  };
  const around = await project.node(await bundle("cjs", "--external:conntrail"));
  expect(around.stdout).toMatch(WORKS);
  const inside = await project.node(await bundle("cjs"));
  expect(inside.code).toBe(1);
  expect(inside.stderr).toMatch(/must stay out of the bundle \(esbuild: --external:conntrail/);
}, 90_000);

const MODULE = COMMON_JS.replace(
  'const { createReporter } = require("conntrail")',
  'import { createReporter } from "conntrail"',
);

test("N15 Rolldown, which speaks Rollup's options and bundles for Vite, works around it and is told the same", async () => {
  const source = project.write("rolled.mjs", MODULE);
  const roll = async (name: string, ...options: readonly string[]): Promise<string> => {
    const file = join(project.folder, name);
    const built = await project.tool(
      "rolldown",
      source,
      "--platform=node",
      "--format=es",
      `--file=${file}`,
      ...options,
    );
    expect(built.code, built.stderr).toBe(0);
    return file;
  };
  const around = await project.node(await roll("around.mjs", "--external=conntrail"));
  expect(around.stdout).toMatch(WORKS);
  const inside = await project.node(await roll("inside.mjs", "--module-types=.node=dataurl"));
  expect(inside.code).toBe(1);
  expect(inside.stderr).toMatch(/must stay out of the bundle/);
}, 90_000);

const permission = ["--permission", "--experimental-permission"].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag),
)!;

test("N2 under Node's permission model it works with three permissions, and names the one that is missing", async () => {
  const file = project.write("allowed.cjs", COMMON_JS);
  const allow = ["--allow-fs-read=*", "--allow-worker"];
  const addons = process.allowedNodeEnvironmentFlags.has("--allow-addons") ? ["--allow-addons"] : [];
  expect((await project.node(permission, ...allow, ...addons, file)).stdout).toMatch(WORKS);
  const refused = await project.node(permission, "--allow-fs-read=*", ...addons, file);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/--allow-worker/);
}, 90_000);

test("it runs from files that cannot be written", async () => {
  const folder = join(project.folder, "node_modules/conntrail");
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file));
  for (const file of all) chmodSync(file, 0o555);
  const ran = await project.node(project.write("read-only.cjs", COMMON_JS));
  expect(ran.stdout).toMatch(WORKS);
}, 60_000);
