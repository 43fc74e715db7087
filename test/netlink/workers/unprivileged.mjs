// What netlink sockets answer without privileges. Run as root with a namespace's path; prints JSON.
import { encodeConntrackDump } from "@conntrail/netlink";
import { dump, inNamespace, openNetlinkSocket } from "@conntrail/netlink/socket";

const [namespacePath] = process.argv.slice(2);
process.setgid(65534);
process.setuid(65534);

const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    return `${error.name} ${error.op} ${error.errno}`;
  }
};
const plain = openNetlinkSocket({ family: 12 });
console.log(
  JSON.stringify({
    join: attempt(() => openNetlinkSocket({ family: 12, groups: [1] })),
    dump: dump(plain, encodeConntrackDump(), () => {}).error,
    enter: attempt(() => inNamespace(namespacePath, () => "entered")),
    granted: plain.setReceiveBuffer(2 ** 30),
  }),
);
