/**
 * What every package offers, as a file: a name that appears or disappears is a line in a diff. Read from the declarations
 * that `tsc` wrote, so that types count too and nothing has to be run.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PACKAGES = fileURLToPath(new URL("../packages", import.meta.url));
const RE_EXPORT = /^export \* from "([^"]+)";/gm;
const LIST = /^export (type )?\{([^}]*)\}/gm;
const DECLARATION =
  /^export (?:declare )?(?:abstract )?(const|function|class|interface|type|namespace) (?!\{)([A-Za-z_$][\w$]*)/gm;
const TYPE_KINDS = new Set(["interface", "type"]);

test("the names that each package exports are the ones written down", async () => {
  const sections = readdirSync(PACKAGES).flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8")) as Manifest;
    return Object.entries(manifest.exports).map(([subPath, { types }]) => {
      const names = exportedNames(join(PACKAGES, name, types)).map((line) => `  ${line}\n`);
      return `${join(manifest.name, subPath)}\n${names.join("")}`;
    });
  });
  await expect(`${sections.join("\n")}`).toMatchFileSnapshot("public-api.txt");
});

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly types: string }>>;
}

/** The names that a declaration file exports, sorted, types marked; what it passes on from other files of its package included. */
function exportedNames(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const names = new Set<string>();
  for (const [, target] of text.matchAll(RE_EXPORT)) {
    if (!target!.startsWith(".")) {
      names.add(`all of ${target}`);
      continue;
    }
    for (const name of exportedNames(join(dirname(file), target!.replace(/\.ts$/, ".d.ts")))) names.add(name);
  }
  for (const [, allTypes, list] of text.matchAll(LIST)) {
    for (const item of list!.split(",").map((part) => part.trim())) {
      if (item === "") continue;
      const isType = allTypes !== undefined || item.startsWith("type ");
      const name = item.replace(/^type /, "").replace(/^.* as /, "");
      names.add(isType ? `type ${name}` : name);
    }
  }
  for (const [, kind, name] of text.matchAll(DECLARATION)) names.add(TYPE_KINDS.has(kind!) ? `type ${name}` : name!);
  return [...names].sort();
}
