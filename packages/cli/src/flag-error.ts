/** An option that the reporter refuses, told under the name that the user of the command gave it. */
import type { OptionError } from "@conntrail/reporter";

/** Flags that are not their option's name in kebab-case without its unit. */
const FLAGS: Readonly<Record<string, string>> = {
  scanCpuShare: "--scan-cpu",
  lookupsPerSecond: "--lookups",
  nameServers: "--name-server",
  protocols: "--protocol",
  localNetworks: "--local-network",
  path: "<file>",
  rotateBytes: "--rotate-size",
  rotateMs: "--rotate-time",
  reports: "--interval",
  url: "--publish",
};

/** One line: the flag, what would do, what was given. */
export function flagError({ option, expected, received }: OptionError): string {
  const name = option.replace(/^record\./, "").replace(/\[\d+\]$/, "");
  const flag = FLAGS[name] ?? `--${name.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return `${flag}: expected ${expected}, got ${received}`;
}
