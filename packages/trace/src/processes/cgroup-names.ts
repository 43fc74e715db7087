/**
 * Control groups by id. A group's id is the inode of its folder in the cgroup2 mount (`kernfs_node_id`, fs/kernfs), and the rings tell of each that
 * is made; those made before are found by walking the mount once. Where no cgroup2 is mounted, an id says nothing. Source: cgroups(7).
 */
import { readdirSync, statSync } from "node:fs";
import { readMounts } from "@conntrail/procfs";

/** Groups remembered; those not asked for longest go first. */
const MOST_NAMES = 16_384;

/** Folders that one walk visits at most. */
const MOST_FOLDERS = 16_384;

/** The names. */
export class CgroupNames {
  readonly #names = new Map<number, string>();
  readonly #procRoot: string;
  #walked = false;

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** A group was made. */
  add(id: number, path: string): void {
    this.#names.delete(id);
    this.#names.set(id, path);
    if (this.#names.size > MOST_NAMES) this.#names.delete(this.#names.keys().next().value!);
  }

  /** The path of a group below the mount, `/` for the root; `undefined` when it is not known. */
  path(id: number): string | undefined {
    const known = this.#names.get(id);
    if (known !== undefined || this.#walked || id === 0) return known;
    this.#walked = true;
    this.#walk();
    return this.#names.get(id);
  }

  #walk(): void {
    const mount = readMounts(this.#procRoot)?.find(({ type }) => type === "cgroup2")?.target;
    if (mount === undefined) return;
    const waiting = [""];
    for (let visited = 0; waiting.length > 0 && visited < MOST_FOLDERS; visited++) {
      const path = waiting.pop()!;
      try {
        const id = statSync(mount + path).ino;
        if (!this.#names.has(id)) this.add(id, path === "" ? "/" : path);
        for (const child of readdirSync(mount + path, { withFileTypes: true })) {
          if (child.isDirectory()) waiting.push(`${path}/${child.name}`);
        }
      } catch {
        // a group that was removed meanwhile
      }
    }
  }
}
