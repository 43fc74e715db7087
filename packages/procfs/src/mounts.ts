/** /proc/PID/mounts: proc_pid_mounts(5), fstab(5); and from it the `hidepid` option of a /proc itself (proc(5)). */
import { readText } from "./read-file.ts";

/** A mounted file system. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** What a mount of /proc hides of other users' processes. */
export type Hidepid = "off" | "noaccess" | "invisible" | "ptraceable";

/** proc(5): numbers until Linux 5.7, words since. */
const HIDEPID: ReadonlyMap<string, Hidepid> = new Map(
  Object.entries({
    "0": "off",
    "1": "noaccess",
    "2": "invisible",
    "4": "ptraceable",
    off: "off",
    noaccess: "noaccess",
    invisible: "invisible",
    ptraceable: "ptraceable",
  }),
);

/** The mounts that the reader sees; `undefined` without the file. Throws OpError. */
export function readMounts(root: string): Mount[] | undefined {
  const text = readText(`${root}/self/mounts`);
  return text === undefined ? undefined : parseMounts(text);
}

/** Parses a mounts file. Lines with fewer than four fields are passed over. */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [source, target, type, options] = line.split(" ");
    if (source === undefined || target === undefined || type === undefined || options === undefined) return [];
    return [{ source: unmangle(source), target: unmangle(target), type, options: options.split(",") }];
  });
}

/** The hidepid option of the /proc that is mounted at `target`; `off` when nothing says otherwise. The last mount there is the one seen. */
export function hidepid(mounts: readonly Mount[], target: string): Hidepid {
  const mount = mounts.findLast((candidate) => candidate.target === target);
  if (mount?.type !== "proc") return "off";
  const value = mount.options.find((option) => option.startsWith("hidepid="))?.slice("hidepid=".length);
  return value === undefined ? "off" : (HIDEPID.get(value) ?? "off");
}

/** Space, tab, line feed and backslash are written as three octal digits (`mangle` in the kernel's fs/proc_namespace.c). */
function unmangle(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
