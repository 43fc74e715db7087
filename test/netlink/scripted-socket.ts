/** A netlink socket whose far end is a list of answers: what `dump` and `request` make of each, without a kernel. */
import { type NetlinkSocket, OVERRUN } from "@conntrail/netlink/socket";
import { hex } from "./bytes.ts";

/** What one `receive()` gives: datagrams in hexadecimal, `SEQPORTS` standing for the request's sequence and the socket's port; or an overrun. */
export type Received = readonly string[] | "overrun";

const SLOT_BYTES = 1024;
const PORT_ID = 0x01020304;

/** A socket that answers the first request with these, in turn, and after them with nothing. */
export function scriptedSocket(script: readonly Received[]): NetlinkSocket & { readonly sent: readonly Uint8Array[] } {
  const slots = Math.max(1, ...script.map((received) => (received === "overrun" ? 0 : received.length)));
  const sent: Uint8Array[] = [];
  const block = new Uint8Array(slots * SLOT_BYTES);
  const offsets = Uint32Array.from({ length: slots }, (_, i) => i * SLOT_BYTES);
  const lengths = new Uint32Array(slots);
  const rest = [...script];
  let truncated = 0;
  return {
    fd: -1,
    portId: PORT_ID,
    family: 12,
    groups: [],
    block,
    offsets,
    lengths,
    sent,
    get truncated() {
      return truncated;
    },
    send(bytes) {
      sent.push(bytes.slice());
    },
    receive() {
      const received = rest.shift() ?? [];
      if (received === "overrun") return OVERRUN;
      const sequence = Buffer.from(sent.at(-1)!.subarray(8, 12)).toString("hex");
      for (const [i, datagram] of received.entries()) {
        const bytes = hex(datagram.replaceAll("SEQPORTS", `${sequence}04030201`).replace("TRUNCATED", ""));
        if (datagram.includes("TRUNCATED")) truncated++;
        block.set(bytes, offsets[i]);
        lengths[i] = bytes.length;
      }
      return received.length;
    },
    receiveBufferBytes: () => 0,
    setReceiveBuffer: () => 0,
    drops: () => undefined,
    close() {},
  };
}
