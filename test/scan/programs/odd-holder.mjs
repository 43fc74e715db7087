// Holds a connection with itself in an odd way, and says { ready, port }. `--how`:
// - files: in a thread with a descriptor table of its own (unshare(CLONE_FILES))
// - thread: in a thread that entered the network namespace `--path` and stays there
// - descriptor: in `--path`, which a descriptor of the process keeps open
// - socket: in `--path`, which nothing but these sockets keeps
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { ready, start } from "../../lab/programs/start.mjs";

// The one that the product brings.
const ofNetlink = createRequire(import.meta.resolve("@conntrail/netlink"));
const koffi = ofNetlink("koffi");
const libc = koffi.load(null);
const setns = libc.func("int setns(int, int)");
const unshare = libc.func("int unshare(int)");
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, void *, unsigned int)");
const listen = libc.func("int listen(int, int)");
const connect = libc.func("int connect(int, void *, unsigned int)");
const accept = libc.func("int accept(int, void *, void *)");
const [CLONE_FILES, CLONE_NEWNET, AF_INET, SOCK_STREAM] = [0x400, 0x40000000, 2, 1];

function must(result) {
  if (result < 0) throw new Error(`errno ${koffi.errno()}`);
  return result;
}

function connectToItself(port) {
  const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const listener = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind(listener, address, address.length));
  must(listen(listener, 5));
  must(connect(must(socket(AF_INET, SOCK_STREAM, 0)), address, address.length));
  must(accept(listener, null, null));
}

function enter(path) {
  const fd = openSync(path, "r");
  must(setns(fd, CLONE_NEWNET));
  return fd;
}

function hold({ how, path, port }) {
  if (how === "files") must(unshare(CLONE_FILES));
  const home = openSync("/proc/thread-self/ns/net", "r");
  const away = how === "files" ? undefined : enter(path);
  connectToItself(port);
  if (how === "descriptor" || how === "socket") must(setns(home, CLONE_NEWNET));
  closeSync(home);
  if (away !== undefined && how !== "descriptor") closeSync(away);
}

if (isMainThread) {
  const options = start({ how: "files", path: "", port: 7001 });
  if (options.how === "descriptor" || options.how === "socket") {
    hold(options);
    ready({ port: options.port });
  } else {
    new Worker(new URL(import.meta.url), { workerData: options, trackUnmanagedFds: false }).on("message", () =>
      ready({ port: options.port }),
    );
  }
} else {
  const { parentPort } = await import("node:worker_threads");
  hold(workerData);
  parentPort.postMessage("held");
  setInterval(() => undefined, 1000);
}
