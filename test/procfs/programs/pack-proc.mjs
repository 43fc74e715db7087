// Prints a tree in the form of proc-tree.ts: `node pack-proc.mjs PID…` takes what conntrail reads of these processes; the first is `self`.
// A namespace's files are taken once; of the mounts only those of /proc. Look it over before it is kept: command lines and groups are real.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { release } from "node:os";

const pids = process.argv.slice(2);
const NET = ["tcp", "tcp6", "udp", "udp6", "sockstat", "sockstat6", "fib_trie", "if_inet6", "stat/nf_conntrack"];
const OWN = ["stat", "comm", "cmdline", "cgroup", "schedstat"];
const SYSTEM = ["uptime", "sys/net/ipv4/ip_local_port_range", "sys/net/netfilter/nf_conntrack_max"];

const date = new Date().toISOString().slice(0, 10);
process.stdout.write(`# pack-proc.mjs ${pids.join(" ")}\n# Linux ${release()}, ${date}\n`);
heading("link", "self", pids[0]);
heading("link", "net", "self/net");
for (const path of SYSTEM) file(path);
text(`${pids[0]}/mounts`, readFileSync("/proc/self/mounts", "utf8").replaceAll(/^(?!\S+ \S+ proc ).*\n/gm, ""));

const shownBy = new Map();
for (const pid of pids) {
  for (const name of OWN) file(`${pid}/${name}`);
  const namespace = readlinkSync(`/proc/${pid}/ns/net`);
  heading("link", `${pid}/ns/net`, namespace);
  if (shownBy.has(namespace)) heading("link", `${pid}/net`, `../${shownBy.get(namespace)}/net`);
  else for (const name of NET) file(`${pid}/net/${name}`);
  shownBy.set(namespace, shownBy.get(namespace) ?? pid);
  for (const fd of readdirSync(`/proc/${pid}/fd`))
    heading("link", `${pid}/fd/${fd}`, readlinkSync(`/proc/${pid}/fd/${fd}`));
}

function file(path) {
  try {
    text(path, readFileSync(`/proc/${path}`, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error; // this kernel does not have it
  }
}

function text(path, content) {
  const escaped = content.replaceAll("\\", "\\\\").replaceAll("\0", "\\0").replaceAll(/^==/gm, "\\==");
  heading("file", path);
  process.stdout.write(escaped === "" || escaped.endsWith("\n") ? escaped : `${escaped}\\c\n`);
}

function heading(kind, path, target) {
  process.stdout.write(`== ${kind} ${path}${target === undefined ? "" : ` -> ${target}`}\n`);
}
