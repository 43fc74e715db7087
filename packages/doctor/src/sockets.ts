/** The kernel's list of sockets: sock_diag(7). */
import { encodeInetDiagRequest, isOpError, NETLINK_FAMILY } from "@conntrail/netlink";
import { dump, openNetlinkSocket } from "@conntrail/netlink/socket";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { asRoot } from "./surroundings.ts";

const ID = "sock-diag";
const TITLE = "sockets by sock_diag";
const AF_INET = 2;
const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** Asks for the sockets of TCP and of UDP. */
export function checkSockets(wanted: boolean): Check {
  if (!wanted) return notAsked(ID, TITLE);
  const lost = "states, bytes and namespaces of sockets: /proc/net is slower and says less";
  try {
    const socket = openNetlinkSocket({ family: NETLINK_FAMILY.sockDiag });
    try {
      for (const [name, protocol] of Object.entries(PROTOCOLS)) {
        const { error } = dump(socket, encodeInetDiagRequest({ family: AF_INET, protocol }), () => undefined);
        if (error === undefined) continue;
        const mend = error === "ENOENT" ? asRoot(`modprobe ${name}_diag`) : null;
        return wrong("limited", ID, TITLE, { found: `${name}: ${error}`, lost, mend });
      }
    } finally {
      socket.close();
    }
    return found(ID, TITLE, "answers");
  } catch (error) {
    if (!isOpError(error)) throw error;
    return wrong("limited", ID, TITLE, {
      found: `${error.op}: ${error.errno}`,
      lost,
      mend: error.errno === "EPROTONOSUPPORT" ? asRoot("modprobe inet_diag") : null,
    });
  }
}
