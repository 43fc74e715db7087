/**
 * Whether this machine lets us make network namespaces with connection tracking in them: root with CAP_SYS_ADMIN and
 * CAP_NET_ADMIN, `ip` (iproute2), `nft` (nftables) and `conntrack`. Found out by trying, once per process.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "./command.ts";

/** How the note of a kernel test that was left out begins. */
export const KERNEL_SKIP = "kernel test: ";

const BASE_TOOLS: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  conntrack: "conntrack",
};
const EXTRA_TOOLS: Readonly<Record<string, string>> = {
  dnsmasq: "dnsmasq-base",
  tshark: "tshark",
  promtool: "prometheus",
  tmux: "tmux",
};
const SYSTEM_PATH = ["/usr/sbin", "/sbin"];

let probed: Promise<string | undefined> | undefined;

/** Why no lab can be made here, in one phrase; `undefined` when one can. */
export function kernelObstacle(): Promise<string | undefined> {
  probed ??= probe();
  return probed;
}

/** Which of the named programs are not installed, in one phrase; `undefined` when all are. */
export function toolObstacle(tools: readonly string[]): string | undefined {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) return undefined;
  const packages = missing.map((tool) => BASE_TOOLS[tool] ?? EXTRA_TOOLS[tool] ?? tool);
  return `not installed: ${missing.join(", ")} (Debian: ${packages.join(", ")})`;
}

/** The full path of a program, looked up in PATH and the two folders that hold system programs; `undefined` when there is none. */
export function findTool(tool: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_PATH]) {
    const path = join(folder, tool);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

async function probe(): Promise<string | undefined> {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "not root";
  const missing = toolObstacle(Object.keys(BASE_TOOLS));
  if (missing !== undefined) return missing;
  const name = `ct-${process.pid}-probe`;
  const made = await runCommand("ip", ["netns", "add", name]);
  if (made.code !== 0) return `no network namespaces: ${made.stderr.trim()}`;
  try {
    const rules =
      "add table inet probe; add chain inet probe c { type filter hook input priority 0; }; add rule inet probe c ct state new accept";
    const ruled = await runCommand("ip", ["netns", "exec", name, "nft", rules]);
    if (ruled.code !== 0) return `no connection tracking rules: ${ruled.stderr.trim()}`;
    const listed = await runCommand("ip", ["netns", "exec", name, "conntrack", "-L"]);
    return listed.code === 0 ? undefined : `no conntrack table: ${listed.stderr.trim()}`;
  } finally {
    await runCommand("ip", ["netns", "del", name]);
  }
}
