/** Bytes as a test writes them: hexadecimal in rows of the wire's words, with `#` comments; and fixtures made of such rows. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The bytes of hexadecimal text; white space and what follows `#` on a line do not count. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hexadecimal: ${digits}`);
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** A fixture: one message with its header. */
export interface Fixture {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file that holds what the bytes mean. */
  readonly json: string;
}

/** The `.hex` fixtures of a folder of test/fixtures, by name. */
export function fixtures(folder: string): readonly Fixture[] {
  const directory = fileURLToPath(new URL(`../fixtures/${folder}/`, import.meta.url));
  return readdirSync(directory)
    .filter((file) => file.endsWith(".hex"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -".hex".length),
      bytes: hex(readFileSync(directory + file, "utf8")),
      json: `${directory}${file.slice(0, -".hex".length)}.json`,
    }));
}

/** The fixture of that name. */
export function fixture(folder: string, name: string): Uint8Array<ArrayBuffer> {
  const found = fixtures(folder).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no fixture ${folder}/${name}`);
  return found.bytes;
}
