/** /proc under a given root, one module per file of it. `readX(root, …)` reads, `parseX(text)` parses; gone is `undefined`. */
export { isNotPermitted, isParseError, OpError, ParseError, type ParseErrorCode } from "./errors.ts";
export { readLatestPid } from "./loadavg.ts";
export { parseFibTrie, parseIfInet6, readLocalAddresses } from "./local-addresses.ts";
export { type Hidepid, hidepid, type Mount, parseMounts, readMounts } from "./mounts.ts";
export { isChosen, type NamespaceChoice } from "./namespace-choice.ts";
export { type NamespaceMount, parseNamespaceMounts, readNamespaceMounts } from "./namespace-mounts.ts";
export { type FoundNamespace, findNamespaces, type NamespaceMember, namespaceName } from "./namespaces.ts";
export { netCounters, readNetCounters } from "./net-counters.ts";
export {
  NET_SOCKET_FILES,
  type NetSocketFile,
  type NetSocketsSource,
  netSocketProtocol,
  parseNetSockets,
  readNetSockets,
} from "./net-sockets.ts";
export { parseSockstat, readSockstat, type Sockstat } from "./net-sockstat.ts";
export { type ConntrackStat, parseConntrackStat, readConntrackStat } from "./net-stat-nf-conntrack.ts";
export { type PidCgroup, parsePidCgroup, readPidCgroup } from "./pid-cgroup.ts";
export { parsePidCmdline, readPidCmdline } from "./pid-cmdline.ts";
export { parsePidComm, readPidComm } from "./pid-comm.ts";
export { type FdFolder, parseSocketLink, readFdFolder, readFdNumbers, readFdSocket } from "./pid-fd.ts";
export {
  netNamespacePath,
  parseNamespaceLink,
  readMountNamespace,
  readNetNamespace,
  readPidNamespace,
} from "./pid-ns.ts";
export { parseCpuTime, readCpuTime } from "./pid-schedstat.ts";
export { type PidStat, parsePidStat, readPidStat } from "./pid-stat.ts";
export { CAPABILITY, parseCapabilities, parseUid, readCapabilities, readUid } from "./pid-status.ts";
export { countThreads, type Process, readOwnPid, readPids, readThreads, type ThreadPlace } from "./pids.ts";
export { hasSctp, parseSctpSockets, readSctpSockets, SCTP_FILES, type SctpFile } from "./sctp-sockets.ts";
export { type PortRange, parsePortRange, parseSysctlNumber, readPortRange, readSysctlNumber } from "./sysctl.ts";
export { parseUptime, readUptime } from "./uptime.ts";
export { parsePasswd, UserNames } from "./user-names.ts";
