/** Which packages of the house go into the one that npm ships, and under which names they can be had. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The beginning of the names of all packages of the house. */
export const SCOPE = "@conntrail/";

/** Parts that are of use by themselves, each a sub-path. Those below them come along. */
const OFFERED = [
  "model",
  "netlink",
  "procfs",
  "capture",
  "thread",
  "ingest",
  "scan",
  "names",
  "stages",
  "report",
] as const;

/** The part of a package.json that packing reads. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** One package of the house: its folder under packages/, and its manifest. */
export interface Part {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A sub-path that the package offers, and the part's own entry behind it. */
export interface SubPath {
  readonly subPath: string;
  readonly folder: string;
  readonly types: string;
  readonly file: string;
}

/** Reads a package.json. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** All parts that `root` needs and those that are offered, with what they need in turn. `packages` is the folder that they are in. */
export function collectParts(packages: string, root: Manifest): Part[] {
  const parts = new Map<string, Part>();
  const add = (folder: string): void => {
    if (parts.has(folder)) return;
    const manifest = readManifest(join(packages, folder));
    parts.set(folder, { folder, manifest });
    for (const below of ownDependencies(manifest)) add(below);
  };
  for (const folder of [...ownDependencies(root), ...OFFERED]) add(folder);
  return [...parts.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** What can be imported beside the package itself. */
export function subPaths(parts: readonly Part[]): SubPath[] {
  const offered = new Set<string>(OFFERED);
  return parts
    .filter(({ folder }) => offered.has(folder))
    .flatMap(({ folder, manifest }) =>
      Object.entries(manifest.exports).map(([entry, { types, default: file }]) => ({
        subPath: `./${folder}${entry.slice(1)}`,
        folder,
        types,
        file,
      })),
    );
}

/** What has to be installed beside it: every dependency of a part that is none of the house's. */
export function foreignDependencies(parts: readonly Part[]): Record<string, string> {
  const found = new Map<string, string>();
  for (const { manifest } of parts) {
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      if (!name.startsWith(SCOPE)) found.set(name, SHARED.has(name) ? `^${version}` : version);
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Packages whose objects cross between the host and us: a version of the host's own will do. */
const SHARED = new Set(["rxjs", "prom-client"]);

function ownDependencies(manifest: Manifest): string[] {
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => name.startsWith(SCOPE))
    .map((name) => name.slice(SCOPE.length));
}
