/**
 * Whole /proc trees as plain text, one file per tree in fixtures/proc, unpacked into a temporary folder. `programs/pack-proc.mjs` writes them.
 *
 * A tree begins with `#` lines: the command, the kernel, the date, and what was changed by hand. Then entries, each headed by one line:
 *
 *     == dir 101/fd
 *     == link 101/fd/3 -> socket:[9001]
 *     == file 101/stat
 *
 * What follows a file's heading up to the next one is its text. In it `\0` is a NUL byte, `\\` a backslash, a backslash before `==` at the start
 * of a line keeps it from being a heading, and `\c` at the end of the text takes the last line break away. Folders are made as needed; `dir` is
 * for empty ones.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** An unpacked tree. `using` takes it away again. */
export interface ProcTree extends Disposable {
  /** What to give as the root of /proc. */
  readonly root: string;
  /** Writes a file of the tree, or changes it. */
  write(path: string, text: string): void;
  /** Makes or replaces a symbolic link. */
  link(path: string, target: string): void;
  /** Removes a file or a folder with all that is in it. */
  remove(path: string): void;
}

/** Unpacks `fixtures/proc/<name>.tree`. */
export function unpackProcTree(name: string): ProcTree {
  const text = readFileSync(new URL(`../fixtures/proc/${name}.tree`, import.meta.url), "utf8");
  return procTree(text);
}

/** Unpacks a tree that is given as text. */
export function procTree(text: string): ProcTree {
  const root = mkdtempSync(join(tmpdir(), "conntrail-proc-"));
  const folders = new Set<string>();
  const makeFolderOf = (path: string): void => {
    const folder = dirname(join(root, path));
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
  };
  const tree: ProcTree = {
    root,
    write(path, content) {
      makeFolderOf(path);
      writeFileSync(join(root, path), content);
    },
    link(path, target) {
      makeFolderOf(path);
      rmSync(join(root, path), { force: true });
      symlinkSync(target, join(root, path));
    },
    remove(path) {
      rmSync(join(root, path), { recursive: true, force: true });
      folders.clear();
    },
    [Symbol.dispose]() {
      rmSync(root, { recursive: true, force: true });
    },
  };
  for (const entry of text.split(/^== /m).slice(1)) unpackEntry(tree, entry);
  return tree;
}

function unpackEntry(tree: ProcTree, entry: string): void {
  const end = entry.indexOf("\n");
  const heading = entry.slice(0, end);
  const [, kind, path, target] = /^(file|link|dir) (\S+)(?: -> (.*))?$/.exec(heading) ?? [];
  if (kind === "file") tree.write(path!, unescapeText(entry.slice(end + 1)));
  else if (kind === "link" && target !== undefined) tree.link(path!, target);
  else if (kind === "dir") mkdirSync(join(tree.root, path!), { recursive: true });
  else throw new Error(`not a heading of a proc tree: ${heading}`);
}

function unescapeText(text: string): string {
  return text
    .replace(/\\c\n$/, "")
    .replaceAll(/^\\==/gm, "==")
    .replaceAll(/\\([0\\])/g, (_, escaped: string) => (escaped === "0" ? "\0" : "\\"));
}
