/** A DNS server on loopback, in this process, with sockets of the real kernel; closed when the test is over. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type Question, readQuestion } from "./dns-bytes.ts";

/** What it sends back for a question, datagram by datagram. */
export type Answering = (question: Question) => readonly Uint8Array[];

export interface UdpServer {
  /** For the resolver's option `servers`. */
  readonly server: string;
  readonly asked: readonly { readonly atMs: number; readonly question: Question; readonly fromPort: number }[];
}

/** Starts it on a free port of `address`; `undefined` when the machine has no such address. */
export async function udpServer(answering: Answering, address = "127.0.0.1"): Promise<UdpServer | undefined> {
  const ipv6 = address.includes(":");
  const socket: Socket = createSocket(ipv6 ? "udp6" : "udp4");
  const asked: UdpServer["asked"][number][] = [];
  socket.on("message", (bytes, from) => {
    const question = readQuestion(bytes);
    asked.push({ atMs: performance.now(), question, fromPort: from.port });
    for (const answer of answering(question)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, address);
  try {
    await once(socket, "listening");
  } catch {
    return undefined;
  }
  onTestFinished(() => void socket.close());
  const { port } = socket.address();
  return { server: ipv6 ? `[${address}]:${port}` : `${address}:${port}`, asked };
}
