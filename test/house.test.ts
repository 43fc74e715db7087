/** The rules that hold the house together, checked as a reader would: the floors, the shape of files, and a test for every row of the seed. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SEED_ROWS = Array.from({ length: 20 }, (_, i) => `S${i + 1}`);
const EMPTY_NAMES = new Set(["utils", "helpers", "common", "types", "manager"]);
/** Logs of V8 and of anything else, profiles, heap and core dumps, patches that did not apply, editors' copies. */
const LEFT_BEHIND =
  /(\.(log|cpuprofile|heapprofile|heapsnapshot|orig|rej|swp|bak|tmp|tsbuildinfo)|~|(^|\/)(core(\.\d+)?|\.DS_Store|nohup\.out))$/;
const MOST_LINES = 300;

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly floor: number;
  readonly dependencies: readonly string[];
}

const packages = readdirSync(join(ROOT, "packages")).map(readPackage);

describe("floors", () => {
  test.each(packages)("$folder depends on lower floors only", ({ floor, dependencies }) => {
    const above = packages.filter(({ name }) => dependencies.includes(name)).filter((other) => other.floor >= floor);
    expect(above.map(({ name }) => name)).toEqual([]);
  });

  test.each([
    { from: "thread", to: "@conntrail/names", why: "a floor above" },
    { from: "stages", to: "@conntrail/ingest", why: "another package of floor 2" },
  ])("turbo refuses an import from $why", ({ from, to }) => {
    const copy = copyOfTheHouse();
    try {
      expect(boundaries(copy)).toContain("no issues found");
      plant(copy, from, to);
      expect(boundaries(copy)).toContain(`\`@conntrail/${from}\`: \`floor-2\``);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

describe("files", () => {
  const sources = packages.flatMap(({ folder }) =>
    typescriptFiles(join(ROOT, "packages", folder, "src")).map((path) => ({
      path: relative(ROOT, path),
      text: readFileSync(path, "utf8"),
    })),
  );

  test("every source file opens with what it is", () => {
    expect(sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("no source file is longer than a reader can take in", () => {
    expect(sources.filter(({ text }) => text.split("\n").length > MOST_LINES).map(({ path }) => path)).toEqual([]);
  });

  test("a stage never subscribes", () => {
    const stages = sources.filter(({ path }) => path.startsWith("packages/stages/"));
    expect(stages.length).toBeGreaterThan(40);
    expect(stages.filter(({ text }) => text.includes(".subscribe(")).map(({ path }) => path)).toEqual([]);
  });

  test("no source file is named after nothing in particular", () => {
    expect(sources.map(({ path }) => basename(path, ".ts")).filter((name) => EMPTY_NAMES.has(name))).toEqual([]);
  });
});

test("nothing is tracked that a tool left behind", () => {
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
  expect(tracked.filter((path) => LEFT_BEHIND.test(path))).toEqual([]);
});

test.each(SEED_ROWS)("row %s of the seed has a test that begins with its name", (row) => {
  expect(namedTests().filter((name) => rowsOf(name).includes(row))).not.toEqual([]);
});

function readPackage(folder: string): Package {
  const read = (file: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(ROOT, "packages", folder, file), "utf8")) as Record<string, unknown>;
  const manifest = read("package.json");
  const [tag] = read("turbo.json").tags as string[];
  return {
    folder,
    name: manifest.name as string,
    floor: Number(/^floor-(\d)$/.exec(tag!)![1]),
    dependencies: Object.keys((manifest.dependencies ?? {}) as object),
  };
}

/** The manifests of the house without its code: all that `turbo boundaries` needs to know the floors. */
function copyOfTheHouse(): string {
  const copy = mkdtempSync(join(tmpdir(), "conntrail-house-"));
  const files = ["package.json", "package-lock.json", "turbo.json", "test/package.json", "bench/package.json"];
  for (const { folder } of packages) files.push(`packages/${folder}/package.json`, `packages/${folder}/turbo.json`);
  for (const file of files) cpSync(join(ROOT, file), join(copy, file));
  return copy;
}

/** Gives a package a dependency that it must not have, and a file that uses it. */
function plant(copy: string, folder: string, dependency: string): void {
  const manifest = join(copy, "packages", folder, "package.json");
  const content = JSON.parse(readFileSync(manifest, "utf8")) as { dependencies?: Record<string, string> };
  writeFileSync(manifest, JSON.stringify({ ...content, dependencies: { ...content.dependencies, [dependency]: "*" } }));
  mkdirSync(join(copy, "packages", folder, "src"));
  writeFileSync(join(copy, "packages", folder, "src/planted.ts"), `export * from "${dependency}";\n`);
}

/** What `turbo boundaries` says of a folder, whether it is content or not. */
function boundaries(folder: string): string {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", NO_COLOR: "1" };
  try {
    return execFileSync(join(ROOT, "node_modules/.bin/turbo"), ["boundaries", "--cwd", folder], {
      env,
      encoding: "utf8",
      stdio: "pipe",
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}

function typescriptFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !path.includes("node_modules"))
    .map((path) => join(folder, path));
}

/** The names of all tests that begin with a row or a note, as they stand in the sources. */
function namedTests(): string[] {
  const arguments_ = /\(\s*(["'`])([SFT]\d+\b.*?)\1/g;
  return typescriptFiles(join(ROOT, "test")).flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(arguments_)].map(([, , name]) => name!),
  );
}

/** The rows that a name begins with: `S4 …`, `S4, S9 …`. */
function rowsOf(name: string): string[] {
  const [head] = /^(?:[SFT]\d+(?:, | and |\b))+/.exec(name) ?? [""];
  return head.match(/S\d+/g) ?? [];
}
