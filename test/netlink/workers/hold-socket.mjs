// A worker that holds a netlink socket with a subscription, and receives from it until it is ended from outside.
import { parentPort, workerData } from "node:worker_threads";
import { openNetlinkSocket } from "@conntrail/netlink/socket";

const socket = openNetlinkSocket({ family: 12, groups: [1, 2, 3], namespacePath: workerData.namespacePath });
parentPort.postMessage(socket.fd);
setInterval(() => socket.receive(), 1);
