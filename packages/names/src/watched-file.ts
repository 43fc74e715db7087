/** A small configuration file that somebody else may change: looked at when told to, read only when it is another one than before. */
import { readFileSync, statSync } from "node:fs";

/** A larger file is not read. */
const MAX_BYTES = 32 << 20;

/** Reads are synchronous: the file is local and small, and the first names are needed before the first question. */
export class WatchedFile {
  readonly #path: string;
  #seen = "";
  /** How often the file was there and could not be read, or was too large. */
  errors = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The text when it may have changed since the last call (another file, size or time of change), else `undefined`. A file that is gone or unreadable has no text: `""`. */
  readIfChanged(): string | undefined {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(this.#path, { bigint: true });
      const stamp = `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      if (stamp === this.#seen) return undefined;
      this.#seen = stamp;
      if (size > MAX_BYTES) throw new RangeError(`${this.#path}: ${size} bytes`);
      return readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#seen = "gone";
      else this.errors++;
      return "";
    }
  }
}
