/** Lays out the store as a package of its own, for those who keep connections: `@conntrail/store`, beside `conntrail` and of the same version. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectParts, readManifest, SCOPE, subPaths } from "./parts.ts";
import { withPublicImports } from "./public-imports.ts";

/** Writes the package into the empty folder `target`. `house` is the checkout, which must be built. Throws what reading and writing throw. */
export function stageStore(house: string, target: string): void {
  const packages = join(house, "packages");
  const own = readManifest(join(packages, "conntrail"));
  const from = join(packages, "store");
  cpSync(join(from, "dist"), join(target, "dist"), { recursive: true, filter: (file) => !LEFT_OUT.test(file) });
  cpSync(join(from, "sql"), join(target, "sql"), { recursive: true });
  cpSync(join(house, "LICENSE"), join(target, "LICENSE"));
  cpSync(join(from, "README.md"), join(target, "README.md"));
  const offered = subPaths(collectParts(packages, own));
  for (const entry of readdirSync(join(target, "dist"), { recursive: true, encoding: "utf8" })) {
    const file = join(target, "dist", entry);
    if (CODE.test(entry)) writeFileSync(file, withPublicImports(readFileSync(file, "utf8"), entry, offered));
  }
  writeFileSync(join(target, "package.json"), `${JSON.stringify(shippedManifest(from, own.version), null, 2)}\n`);
}

/** What only speaks of sources that are not there. */
const LEFT_OUT = /\.map$|\.tsbuildinfo$/;

/** What imports something. */
const CODE = /\.(js|d\.ts)$/;

/** The package.json: as the store's, with what npm ships of the house in place of its parts. */
function shippedManifest(folder: string, version: string): object {
  const {
    private: _private,
    scripts: _scripts,
    ...rest
  } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as StoreManifest;
  const foreign = Object.entries(rest.dependencies).filter(([name]) => !name.startsWith(SCOPE));
  return {
    ...rest,
    version,
    os: ["linux"],
    exports: { ...rest.exports, "./package.json": "./package.json" },
    dependencies: Object.fromEntries(foreign),
    peerDependencies: { conntrail: version, ...rest.peerDependencies },
  };
}

interface StoreManifest {
  readonly private: boolean;
  readonly scripts: object;
  readonly exports: object;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
