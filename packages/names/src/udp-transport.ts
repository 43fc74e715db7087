/**
 * DNS messages over UDP (RFC 1035 4.2.1): one connected socket for each server, opened with the first message and kept,
 * so that the kernel drops what other hosts send, an ICMP error ends the waiting, and conntrail's own queries are one
 * flow from a known port instead of a new flow each (F42). What does not fit into a datagram is asked over TCP, a connection each.
 */
import { createSocket, type Socket } from "node:dgram";
import { type Socket as Connection, isIPv6 } from "node:net";
import type { DnsServer } from "./dns-server.ts";
import { askOverTcp } from "./tcp-question.ts";

/** Whom a transport tells. `failed`: what was sent to this server lately will not be answered. */
export interface TransportEvents {
  received(server: DnsServer, bytes: Uint8Array): void;
  failed(server: DnsServer, error: Error): void;
  /** A message given to `sendWhole` will not be answered. */
  notWhole(server: DnsServer, bytes: Uint8Array): void;
}

/** Bytes to a server, and what comes back as events, never from within `send`. */
export interface Transport {
  send(server: DnsServer, bytes: Uint8Array): void;
  /** The same over TCP, whose answer may be longer than a datagram. */
  sendWhole(server: DnsServer, bytes: Uint8Array): void;
  /** Closes what belongs to servers not in the list. */
  retain(servers: readonly DnsServer[]): void;
  /** The local ports in use. */
  ports(): readonly number[];
  /** Resolves when every socket is closed. No event follows. */
  close(): Promise<void>;
}

/** Nothing is opened before the first `send`; the sockets do not keep a process alive. */
export function openUdpTransport(events: TransportEvents): Transport {
  return new UdpTransport(events);
}

/** A connection that is silent this long is ended: queries have given up by then. */
const CONNECTION_MS = 5_000;

interface Peer {
  readonly server: DnsServer;
  readonly socket: Socket;
  /** Messages that wait for the socket to be connected; `undefined` when it is. */
  waiting: Uint8Array[] | undefined;
}

class UdpTransport implements Transport {
  readonly #events: TransportEvents;
  readonly #peers = new Map<string, Peer>();
  readonly #connections = new Set<Connection>();

  constructor(events: TransportEvents) {
    this.#events = events;
  }

  send(server: DnsServer, bytes: Uint8Array): void {
    const peer = this.#peers.get(nameOf(server)) ?? this.#open(server);
    if (peer.waiting === undefined)
      peer.socket.send(bytes); // an error arrives as the socket's event
    else peer.waiting.push(bytes);
  }

  sendWhole(server: DnsServer, bytes: Uint8Array): void {
    const socket = askOverTcp(server, bytes, {
      received: (answer) => this.#events.received(server, answer),
      failed: () => this.#events.notWhole(server, bytes),
    });
    this.#connections.add(socket);
    socket.setTimeout(CONNECTION_MS, () => socket.destroy(new Error("no answer")));
    socket.on("close", () => this.#connections.delete(socket));
  }

  retain(servers: readonly DnsServer[]): void {
    const wanted = new Set(servers.map(nameOf));
    for (const [name, peer] of this.#peers) if (!wanted.has(name)) void this.#shut(peer);
  }

  ports(): readonly number[] {
    const datagrams = [...this.#peers.values()].flatMap((peer) =>
      peer.waiting === undefined ? [peer.socket.address().port] : [],
    );
    return [...datagrams, ...[...this.#connections].flatMap(({ localPort }) => localPort ?? [])];
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) {
      socket.removeAllListeners("error").on("error", () => {});
      socket.removeAllListeners("close");
      socket.destroy();
    }
    this.#connections.clear();
    await Promise.all([...this.#peers.values()].map((peer) => this.#shut(peer)));
  }

  #open(server: DnsServer): Peer {
    const socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4").unref();
    const peer: Peer = { server, socket, waiting: [] };
    this.#peers.set(nameOf(server), peer);
    socket.on("message", (bytes) => this.#events.received(server, bytes));
    socket.on("error", (error) => {
      void this.#shut(peer); // the next message gets a new one
      this.#events.failed(server, error);
    });
    socket.on("connect", () => {
      for (const bytes of peer.waiting ?? []) socket.send(bytes);
      peer.waiting = undefined;
    });
    socket.connect(server.port, server.address); // no callback: it would take the error away from the event
    return peer;
  }

  #shut(peer: Peer): Promise<void> {
    this.#peers.delete(nameOf(peer.server));
    peer.socket.removeAllListeners();
    peer.socket.on("error", () => {}); // what a closing socket still has to say concerns nobody
    return new Promise((resolve) => peer.socket.close(resolve));
  }
}

function nameOf(server: DnsServer): string {
  return `${server.address} ${server.port}`;
}
