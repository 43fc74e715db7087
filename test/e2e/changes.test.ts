/** Changes as an agent hears them, on a real kernel: each once, in order, with both processes, and soon (T8). */
import { fileURLToPath } from "node:url";
import type { ConnectionJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, loopbackLab, type Program } from "../lab/index.ts";

const SAMPLES = 30;

const PROGRAM = fileURLToPath(new URL("./programs/changes.mjs", import.meta.url));

interface Line {
  readonly kind: "snapshot" | "opened" | "changed" | "closed" | "gone";
  readonly id: number;
  readonly members: readonly string[];
  readonly lost: number | null;
  readonly connection: ConnectionJson | undefined;
  readonly present: readonly ConnectionJson[];
  readonly toldMs: number;
}

function listen(host: LabNamespace): Program {
  return host.spawn(process.execPath, [PROGRAM]);
}

kernelTest(
  "N13 a connection is told as opened with both processes and as closed once, under the number that the snapshot of a later reader has (T8)",
  async () => {
    await using lab = await loopbackLab();
    const { host } = lab;
    const server = await host.start("tcp-server");
    const port = server.ready.port!;
    const held = await host.start("tcp-client", { port, connections: 3, hold: true });
    const agent = listen(host);
    const first = await agent.json<Line>(25_000);
    expect(first.kind).toBe("snapshot");
    expect(first.lost).toBe(0);
    const told = new Map<number, ConnectionJson>(first.present.map((each) => [each.id, each]));
    const openHeld = () => [...told.values()].filter(({ from }) => held.ready.ports!.includes(from.port));

    const opener = host.spawn(process.execPath, ["-e", OPEN_ON_LINE, String(port)]);
    const opened = new Map<number, number>();
    const delays: number[] = [];
    const closed = new Set<number>();
    const take = async (): Promise<void> => {
      // The kernel tells no events of connections from before: their end is known from a dump, every 30 s.
      const line = await agent.json<Line>(45_000);
      const { kind, id, connection } = line;
      expect(closed.has(id), `${kind} after closed`).toBe(false);
      if (kind === "opened") expect(told.has(id)).toBe(false);
      if (kind === "changed" || kind === "closed") expect(told.has(id)).toBe(true);
      if (connection !== undefined) told.set(id, connection);
      if (kind === "closed") closed.add(id);
      const beganMs = connection && opened.get(connection.from.port);
      if (beganMs === undefined || connection!.to.port !== port) return;
      if (connection!.from.pid !== opener.pid || connection!.to.pid !== server.pid) return;
      opened.delete(connection!.from.port);
      delays.push(line.toldMs - beganMs);
    };
    while (openHeld().some(({ to }) => to.pid !== server.pid) || openHeld().length < 3) await take();
    for (let i = 0; i < SAMPLES; i++) {
      opener.write("open\n");
      const { port: local, timeMs } = await opener.json<{ port: number; timeMs: number }>();
      opened.set(local, timeMs);
      while (delays.length <= i) await take();
    }
    await held.stop();
    while (openHeld().some(({ id }) => !closed.has(id))) await take();
    agent.endInput();
    expect((await agent.exited).code).toBe(0);

    delays.sort((a, b) => a - b);
    console.log(
      `T8: connect() to the change with both processes: median ${delays[SAMPLES >> 1]} ms, worst ${delays.at(-1)} ms of ${SAMPLES}`,
    );
    // The target, 60 ms, is what bench/host measures; here the machine may be busy with other tests.
    expect(delays[SAMPLES >> 1]).toBeLessThan(1000);
  },
);

/** For every line that comes in, opens a connection to the port given and tells its local port and when connect() was called. */
const OPEN_ON_LINE = `
  const { connect } = require("node:net");
  require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
    const timeMs = Date.now();
    const socket = connect(Number(process.argv[1]), "127.0.0.1", () => {
      console.log(JSON.stringify({ port: socket.localPort, timeMs }));
    });
  }).on("close", () => process.exit(0));`;
