/** Names of interfaces by small ids, which outlive the socket table that they came with: a closed connection keeps its device. */

/** Names that are kept at most: ids fit into a column of the report. A device that comes later is not told. */
const MAX_NAMES = 65_534;

/** The names. Id 0 is none. */
export class DeviceNames {
  readonly #names: string[] = [""];
  readonly #ids = new Map<string, number>();

  /** The id of a name; 0 when there are too many. */
  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#names.length > MAX_NAMES) return 0;
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    return id;
  }

  /** The name of an id; empty for 0. */
  name(id: number): string {
    return this.#names[id]!;
  }
}
