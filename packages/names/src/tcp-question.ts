/** One DNS question over TCP (RFC 7766): a message behind its length in two bytes, network order. For answers that do not fit into a datagram. */
import { connect, type Socket } from "node:net";
import type { DnsServer } from "./dns-server.ts";

const LENGTH_BYTES = 2;

/**
 * Connects, sends `question` and hands the one answer to `received`, a view; or tells `failed`, once, when the connection ends before that. The caller bounds the time: destroying the
 * socket ends everything, and nothing is told then. It does not keep a process alive.
 */
export function askOverTcp(
  server: DnsServer,
  question: Uint8Array,
  events: { received(bytes: Uint8Array): void; failed(error: Error): void },
): Socket {
  const socket = connect(server.port, server.address).unref();
  const parts: Buffer[] = [];
  let had = 0;
  let over = false;
  const end = (tell: () => void): void => {
    if (over) return;
    over = true;
    socket.destroy();
    tell();
  };
  socket.on("connect", () => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(question.length);
    socket.write(Buffer.concat([length, question]));
  });
  socket.on("data", (part: Buffer) => {
    parts.push(part);
    had += part.length;
    if (had < LENGTH_BYTES) return;
    const bytes = Buffer.concat(parts);
    const wanted = bytes.readUInt16BE(0);
    if (had < LENGTH_BYTES + wanted) return;
    end(() => events.received(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + wanted)));
  });
  socket.on("error", (error) => end(() => events.failed(error)));
  socket.on("close", () => end(() => events.failed(new Error("the server closed the connection"))));
  return socket;
}
