/** Lays out the package that npm ships: our own files, and each part's built ones, in one folder. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { collectParts, foreignDependencies, type Manifest, type Part, readManifest, subPaths } from "./parts.ts";
import { placeOf, withRelativeImports } from "./relative-imports.ts";

/** What is not shipped of a built part: what only speaks of sources that are not there. */
const LEFT_OUT = /\.map$|\.tsbuildinfo$|^pack\//;

/** What imports something. */
const CODE = /\.(js|d\.ts)$/;

/** A program: nobody imports it, so nobody needs its declarations, nor its modules one by one. */
const PROGRAM = "cli";
const BUNDLED = /^(main|part-[^/]+)\.js$/;

/** Types of Node that our own declarations speak of. Without it the host would get those that the `netlink` package brings, of Node 12. */
const NODE_TYPES = { "@types/node": ">=20.19.0" } as const;

/** Writes the package into the empty folder `target`. `house` is the checkout, which must be built. Throws what reading and writing throw. */
export function stagePackage(house: string, target: string): void {
  const packages = join(house, "packages");
  const own = readManifest(join(packages, "conntrail"));
  const parts = collectParts(packages, own);
  for (const { folder } of parts) copyBuilt(join(packages, folder), target, (file) => placeOf(folder, file), parts);
  copyBuilt(join(packages, "conntrail"), target, (file) => file, parts);
  copyText(join(packages, "conntrail/bin/conntrail.js"), target, "bin/conntrail.js", parts);
  chmodSync(join(target, "bin/conntrail.js"), 0o755);
  cpSync(join(house, "LICENSE"), join(target, "LICENSE"));
  cpSync(join(packages, "conntrail/README.md"), join(target, "README.md"));
  // The command reads its version where it does in the checkout.
  writeJson(join(target, placeOf("cli", "package.json")), { type: "module", version: own.version });
  writeJson(join(target, "package.json"), shippedManifest(own, parts));
}

function copyBuilt(from: string, target: string, place: (file: string) => string, parts: readonly Part[]): void {
  const dist = join(from, "dist");
  const isWanted = (file: string): boolean =>
    !LEFT_OUT.test(file) && (basename(from) !== PROGRAM || BUNDLED.test(file));
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = relative(dist, join(entry.parentPath, entry.name));
    if (!entry.isFile() || !isWanted(file)) continue;
    if (CODE.test(file)) copyText(join(dist, file), target, place(`dist/${file}`), parts);
    else cpSync(join(dist, file), join(target, place(`dist/${file}`)));
  }
}

function copyText(from: string, target: string, place: string, parts: readonly Part[]): void {
  const to = join(target, place);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, withRelativeImports(readFileSync(from, "utf8"), place, parts));
}

/** The package.json: as ours, without what only holds in the checkout. */
function shippedManifest(own: Manifest, parts: readonly Part[]): object {
  const {
    private: _private,
    scripts: _scripts,
    dependencies: _own,
    exports,
    ...rest
  } = own as Manifest & {
    readonly private: boolean;
    readonly scripts: object;
  };
  const offered = subPaths(parts).map(({ subPath, folder, types, file }) => [
    subPath,
    { types: `./${placeOf(folder, types)}`, default: `./${placeOf(folder, file)}` },
  ]);
  return {
    ...rest,
    os: ["linux"],
    keywords: ["conntrack", "netlink", "connections", "network", "monitoring", "nat", "scope"],
    exports: { ...exports, ...Object.fromEntries(offered), "./package.json": "./package.json" },
    files: ["bin", "dist", "parts"],
    dependencies: { ...NODE_TYPES, ...foreignDependencies(parts) },
  };
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}
