/** Imports of the house's own packages, turned into sub-paths of the one that npm ships, for a package that stands beside it. */

import type { SubPath } from "./parts.ts";
import { IMPORT, SOURCE_MAP } from "./relative-imports.ts";

/** The text with `@conntrail/x` as `conntrail/x`. Throws RangeError for what the package does not offer. */
export function withPublicImports(text: string, path: string, offered: readonly SubPath[]): string {
  return text.replace(SOURCE_MAP, "").replace(IMPORT, (_, keyword: string, folder: string, rest: string = "") => {
    const name = `./${folder}${rest}`;
    if (!offered.some(({ subPath }) => subPath === name))
      throw new RangeError(`${path} imports ${name}, which is not offered`);
    return `${keyword}"conntrail/${folder}${rest}"`;
  });
}
