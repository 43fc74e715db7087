/**
 * Who opened and who closed: what changes of a socket's state say about the process that is running. `CLOSE → SYN_SENT` happens inside connect(2), and
 * the port is known with the next change of that socket; `→ FIN_WAIT1` and `→ LAST_ACK` happen inside close(2) and shutdown(2) alone
 * (`tcp_close_state`, net/ipv4/tcp.c), also when a process ends. Every other change runs wherever the packet was handled: a reset that waits in a
 * socket's backlog is taken in by whoever holds the lock, which may be a reader of sock_diag. So those name nobody.
 */
import { PROTOCOL, SOCKET_STATE, TRACE_ROLE } from "@conntrail/model";
import type { Datagram } from "./datagram.ts";
import type { FactRows } from "./fact-rows.ts";
import { Openers } from "./openers.ts";
import type { ProcessEntry } from "./processes/process-entry.ts";
import type { ProcessTable } from "./processes/process-table.ts";
import type { StateChange } from "./state-change.ts";

/** The changes that are needed, in the language of the kernel's filters (Documentation/trace/events.rst). */
export const STATE_FILTER: string =
  `protocol==${PROTOCOL.tcp} && ((oldstate==${SOCKET_STATE.close} && newstate==${SOCKET_STATE.synSent})` +
  ` || oldstate==${SOCKET_STATE.synSent} || newstate==${SOCKET_STATE.finWait1} || newstate==${SOCKET_STATE.lastAck})`;

/** `pid` of a thread that is already gone, or of another pid namespace, or of the idle task. */
const NOBODY: ReadonlySet<number> = new Set([0, 0xffff_ffff]);

/** Turns changes into facts. */
export class ConnectionFacts {
  readonly #openers = new Openers();
  readonly #processes: ProcessTable;
  readonly #rows: FactRows;

  constructor(processes: ProcessTable, rows: FactRows) {
    this.#processes = processes;
    this.#rows = rows;
  }

  /** Takes a change, in the order of time. */
  take(change: StateChange): void {
    const { oldState, newState, socket } = change;
    if (newState === SOCKET_STATE.synSent) this.#opens(change);
    else if (oldState === SOCKET_STATE.synSent && this.#openers.take(socket)) {
      const { entry, netns, timeNs } = this.#openers;
      if (change.ports >>> 16 !== 0) this.#rows.add(TRACE_ROLE.opened, entry, netns, change, timeNs, change.timeNs);
    }
    if (newState === SOCKET_STATE.finWait1 || newState === SOCKET_STATE.lastAck) this.#closes(change);
  }

  /** Takes a datagram on its way out. */
  sends(datagram: Datagram): void {
    const entry = this.#process(datagram);
    if (entry === undefined) return;
    const netns = this.#processes.netnsOf(entry, datagram.tid);
    this.#rows.add(TRACE_ROLE.sent, entry, netns, datagram, datagram.timeNs, datagram.timeNs);
  }

  /** Changes were lost: a call that waits may be of a socket that is no more. */
  forget(): void {
    this.#openers.clear();
  }

  #opens(change: StateChange): void {
    // Somebody who is not known opened it too: the ports are not those of an earlier connection any more.
    const entry = this.#process(change);
    const netns = entry === undefined ? 0 : this.#processes.netnsOf(entry, change.tid);
    this.#openers.set(change.socket, entry, netns, change.timeNs);
  }

  #closes(change: StateChange): void {
    const entry = this.#process(change);
    if (entry === undefined) return;
    const netns = this.#processes.netnsOf(entry, change.tid);
    this.#rows.add(TRACE_ROLE.closed, entry, netns, change, change.timeNs, change.timeNs);
  }

  /** Who runs, if that is a process. A thread of the kernel acts for others: the last reference to a file may be given up there. */
  #process({ pid, inInterrupt, timeNs, cgroup }: StateChange | Datagram): ProcessEntry | undefined {
    if (inInterrupt || NOBODY.has(pid)) return undefined;
    const entry = this.#processes.at(pid, timeNs);
    if (entry === undefined || entry.kernel) return undefined;
    if (cgroup !== entry.cgroup) {
      if (entry.cgroup !== 0) entry.owner = undefined;
      entry.cgroup = cgroup;
    }
    return entry;
  }
}
