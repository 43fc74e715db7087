/** Imports of the house's own packages, turned into paths within the one package that holds them all. */
import { dirname, posix } from "node:path";
import { type Part, SCOPE } from "./parts.ts";

/** `from "@conntrail/x/y"`, `import("@conntrail/x")`, `import "@conntrail/x"`, as tsc writes them. */
export const IMPORT: RegExp = new RegExp(`(\\bfrom\\s*|\\bimport\\s*\\(?\\s*)"${SCOPE}([a-z-]+)(/[a-z/-]+)?"`, "g");

/** Comments that point to source maps, which are not shipped. */
export const SOURCE_MAP: RegExp = /^\/\/# sourceMappingURL=.*\n?/gm;

/** Where a file of a part lies in the package. */
export function placeOf(folder: string, file: string): string {
  return posix.join("parts", folder, file);
}

/** The text of the file at `path` (in the package) with every import of a part made relative. Throws RangeError for a part that does not offer what is imported. */
export function withRelativeImports(text: string, path: string, parts: readonly Part[]): string {
  return text.replace(SOURCE_MAP, "").replace(IMPORT, (_, keyword: string, folder: string, rest: string = "") => {
    const entry = parts.find((part) => part.folder === folder)?.manifest.exports[`.${rest}`];
    if (entry === undefined) throw new RangeError(`${path} imports ${SCOPE}${folder}${rest}, which no part offers`);
    const target = posix.relative(dirname(path), placeOf(folder, entry.default));
    return `${keyword}"${target.startsWith(".") ? target : `./${target}`}"`;
  });
}
