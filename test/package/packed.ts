/** The tarballs that npm ships, made once for a test file, and empty projects to install them into. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const HOUSE = fileURLToPath(new URL("../..", import.meta.url));

/** An installed package: what a program that embeds it has around itself. */
export interface Project extends Disposable {
  /** A path with a space in it. */
  readonly folder: string;
  readonly tarball: string;
  /** An empty project with the store as well. Rejects when it cannot be installed. */
  withStore(): Promise<string>;
  /** Writes a file; gives its path. */
  write(name: string, text: string): string;
  /** Runs Node in another folder, and gives what it printed and how it ended. */
  node(...args: readonly string[]): Promise<Outcome>;
  /** Runs a command of the checkout, such as tsc or esbuild, in the project's folder. */
  tool(name: string, ...args: readonly string[]): Promise<Outcome>;
}

/** How a program ended. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Packs the checkout and installs it into an empty project. Rejects when either fails. */
export async function installedProject(): Promise<Project> {
  const root = mkdtempSync(join(tmpdir(), "conntrail-project-"));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    await run(process.execPath, [join(HOUSE, "packages/conntrail/dist/pack/pack.js"), root]);
    const packed = (pattern: RegExp): string => join(root, readdirSync(root).find((name) => pattern.test(name))!);
    const tarball = packed(/^conntrail-\d.*\.tgz$/);
    const store = packed(/^conntrail-store-\d.*\.tgz$/);
    const folder = await install(join(root, "an agent"), { conntrail: tarball });
    const withStore = (): Promise<string> =>
      install(join(root, "a keeper"), { conntrail: tarball, "@conntrail/store": store });
    return { ...projectIn(folder, tarball, remove), withStore };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Makes a project that depends on these tarballs; gives its folder. */
async function install(folder: string, tarballs: Readonly<Record<string, string>>): Promise<string> {
  mkdirSync(folder);
  const dependencies = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]));
  const manifest = { name: "an-agent", private: true, type: "module", dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder });
  return folder;
}

function projectIn(folder: string, tarball: string, remove: () => void): Omit<Project, "withStore"> {
  return {
    folder,
    tarball,
    write(name, text) {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
    node: (...args) => outcome(process.execPath, args, tmpdir()),
    tool: (name, ...args) => outcome(join(HOUSE, "node_modules/.bin", name), args, folder),
    [Symbol.dispose]: remove,
  };
}

async function outcome(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(command, args, { cwd, timeout: 30_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
