/** The names of users, out of the host's passwd(5). A process in a container has users of its own: there a number says nothing here, and whoever asks should not. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./read-file.ts";

/** Lines that are read at the most. */
const MOST_USERS = 65_536;

/** The names by number, read when they are first asked for and again when the file has changed. */
export class UserNames {
  readonly #paths: readonly string[];
  #names: ReadonlyMap<number, string> = new Map();
  #readMs = Number.NaN;

  /** `procRoot`: the host's /proc, by whose first process the host's files are found, also from inside a container. */
  constructor(procRoot: string) {
    this.#paths = [join(procRoot, "1", "root", "etc/passwd"), "/etc/passwd"];
  }

  /** The name of a user; `undefined` for one that the file does not have. */
  name(uid: number): string | undefined {
    const known = this.#names.get(uid);
    if (known === undefined) this.#read();
    return known ?? this.#names.get(uid);
  }

  /** Users of directories (NSS) are in no file: a file that did not change is not read again for them. */
  #read(): void {
    for (const path of this.#paths) {
      try {
        const { mtimeMs } = statSync(path);
        if (mtimeMs === this.#readMs) return;
        this.#names = parsePasswd(readText(path) ?? "");
        this.#readMs = mtimeMs;
        return;
      } catch {
        // may not be read: the next one may
      }
    }
  }
}

/** Parses passwd(5): `NAME:PASSWORD:UID:…`. Of two names for a number the first holds, as for getpwuid(3). Lines of another form are passed over. */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n", MOST_USERS)) {
    const [, name, uid] = /^([^:#]+):[^:]*:(\d{1,10}):/.exec(line) ?? [];
    if (name !== undefined && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
