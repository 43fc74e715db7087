/** What a thread and the command load: one file each, and the packages that are installed beside it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PACKAGES = fileURLToPath(new URL("../../packages/", import.meta.url));

/** Modules that the text of a built file imports, but for Node's own. */
function imported(file: string): string[] {
  const text = readFileSync(PACKAGES + file, "utf8");
  const found = text.matchAll(/^\s*(?:import|export)\s(?:[^;"]*\sfrom\s)?"([^"]+)";|\bimport\("([^"]+)"\)/gm);
  const names = [...found].map(([, fixed, late]) => fixed ?? late!);
  return [...new Set(names)].filter((name) => !/^(node:|fs$|os$|net$)/.test(name)).sort();
}

test.each([
  [
    "reporter/dist/pipeline-worker.js",
    [
      "@marcbachmann/cel-js",
      "dns-packet",
      "fastest-levenshtein",
      "ipaddr.js",
      "koffi",
      "lru-cache",
      "netlink",
      "piscina",
    ],
  ],
  ["ingest/dist/ingest-worker.js", ["koffi", "netlink"]],
  ["scan/dist/scan-task.js", ["ipaddr.js", "koffi", "netlink", "piscina"]],
  ["scan/dist/descriptors-task.js", ["piscina"]],
])("the thread of %s is one file: of others it loads only installed packages", (file, installed) => {
  expect(imported(file).filter((name) => !installed.includes(name))).toEqual([]);
});

test("the command is one file and one for each thing that it is asked to do", () => {
  const found = new Set(["main.js"]);
  for (const file of found) {
    const own = imported(`cli/dist/${file}`).filter((name) => /^(\.|@conntrail\/|rxjs)/.test(name));
    expect(own.filter((name) => !/^\.\/part-[^/]+\.js$/.test(name))).toEqual([]);
    for (const name of own) found.add(name.slice("./".length));
  }
  expect(found.size).toBeGreaterThan(5);
});

test("a module that looks for files beside itself finds them from within a bundle", () => {
  const text = readFileSync(`${PACKAGES}reporter/dist/pipeline-worker.js`, "utf8");
  for (const place of ["../../ingest/dist/ingest.js", "../../scan/dist/scan-pool.js"]) expect(text).toContain(place);
  expect(text).not.toContain(PACKAGES);
});
