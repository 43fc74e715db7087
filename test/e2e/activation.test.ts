/** Socket activation on a real host: init holds the listener, too, and has the lower pid, but the service accepts (F54). */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, toPort, watch } from "./reports.ts";

/** Listens, forks, and never accepts; the child does, under another name, until standard input ends. */
const ACTIVATES = `
import ctypes, os, socket, sys, threading
def rename(name): ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(99)
pid = os.fork()
if pid == 0:
    rename(b"service")
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        connection.recv(9)
        connection.sendall(b"ok")
        connection.close()
rename(b"systemd")
print(listener.getsockname()[1], pid, flush=True)
os.waitpid(pid, 0)`;

const CALLS = `
import socket, sys
for i in range(20):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.sendall(b"hi")
    s.recv(2)
    s.close()`;

kernelTest(
  "F54 of a listener that init holds too the one that accepts is named, or nobody where the kernel does not tell who it is",
  async () => {
    await using lab = await loopbackLab();
    const holders = lab.host.spawn("python3", ["-c", ACTIVATES]);
    const [port, service] = (await holders.line()).split(" ").map(Number) as [number, number];

    for (const more of [[], ["--no-trace"]]) {
      await using running = await watch(lab.host, [...OWN, "--no-names", ...more]);
      const { trace } = running.reports.at(-1)!.health;
      await lab.host.exec("python3", ["-c", CALLS, String(port)]);
      const ends: object[] = [];
      await running.until((report) => {
        for (const { to, state, count } of toPort(report, port)) {
          if (state !== "closed") continue;
          for (let i = 0; i < count; i++) ends.push([to.pid, to.process, to.ownerReason]);
        }
        return ends.length >= 20;
      }, 30_000);
      const owner = trace?.state === "ok" ? [service, "service", null] : [null, null, "ambiguous"];
      expect(ends).toEqual(Array.from({ length: 20 }, () => owner));
    }
  },
  { requires: ["python3"] },
);
