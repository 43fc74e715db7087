/** Kinds of hosts that nobody had named: sockets that are handed from process to process, and namespaces of rootless containers. */
import { expect } from "vitest";
import { kernelTest, loopbackLab, TRACK } from "../lab/index.ts";
import { OWN, report, toPort } from "./reports.ts";

/** Connects, puts the socket into a message to its child (SCM_RIGHTS, unix(7)) and lets go of it; the child takes it when it is told to. */
const HANDS_OVER = `
import os, socket, sys
port = int(sys.argv[1])
near, far = socket.socketpair()
pid = os.fork()
if pid == 0:
    near.close()
    line = sys.stdin.readline()
    data, fds, _, _ = socket.recv_fds(far, 1, 1)
    print("taken", flush=True)
    sys.stdin.readline()
    os._exit(0)
far.close()
s = socket.create_connection(("127.0.0.1", port))
socket.send_fds(near, [b"x"], [s.fileno()])
s.close()
print(pid, flush=True)
os.waitpid(pid, 0)`;

kernelTest(
  "a socket on its way between two processes is nobody's, and then the one's who took it",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server", { host: "127.0.0.1" });
    const port = server.ready.port!;
    const giver = lab.host.spawn("python3", ["-c", HANDS_OVER, String(port)]);
    const taker = Number(await giver.line());
    const from = async () => {
      const found = toPort(await report(lab.host, [...OWN, "--no-trace"]), port);
      return found.map((row) => [row.from.pid, row.from.ownerReason, row.to.pid]);
    };

    // Where a process may not be inspected, it may be the one.
    expect(await from()).toEqual([[null, expect.stringMatching(/^(no-process|permission)$/), server.pid]]);
    giver.write("take\n");
    expect(await giver.line()).toBe("taken");
    expect(await from()).toEqual([[taker, null, server.pid]]);
    giver.write("end\n");
  },
  { requires: ["python3"] },
);

kernelTest(
  "a rootless container's namespace, which belongs to a user namespace of its own, is read like any other",
  async () => {
    await using lab = await loopbackLab();
    const program = new URL("../lab/programs/tcp-server.mjs", import.meta.url).pathname;
    const inside = `ip link set lo up; nft '${TRACK}'; exec '${process.execPath}' '${program}' --host 127.0.0.1`;
    const server = lab.host.spawn("setpriv", [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "unshare",
      "--user",
      "--map-root-user",
      "--net",
      "sh",
      "-c",
      inside,
    ]);
    const { port } = await server.json<{ port: number }>();
    const client = lab.host.spawn("nsenter", [
      "--target",
      String(server.pid),
      "--user",
      "--net",
      "--preserve-credentials",
      process.execPath,
      new URL("../lab/programs/tcp-client.mjs", import.meta.url).pathname,
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--hold",
    ]);
    await client.line();

    const found = toPort(await report(lab.host, ["--namespaces", "all"]), port).filter(
      ({ to }) => to.pid === server.pid,
    );

    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      from: { pid: client.pid },
      sources: ["conntrack", "sockets"],
      state: "established",
    });
  },
);
