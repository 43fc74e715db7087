/** T8: from connect() to the report that shows the connection with the processes of both ends, as `conntrail watch` prints it at its default interval. */
import { startConntrail } from "@conntrail/test/lab/conntrail";
import { createLab } from "@conntrail/test/lab/lab";
import { TRACK } from "@conntrail/test/lab/topology";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const SAMPLES = 20;
const INTERVAL_MS = 1000;
/** No divisor of the interval: the connections spread over its phases. */
const PAUSE_MS = 257;
const SLACK_MS = 250;
const DEADLINE_MS = 60_000;

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "host/connect-to-report", needs: "kernel", samples: 1, measure },
];

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress(`host/connect-to-report: ${SAMPLES} connections`);
  await using lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const server = await host.start("tcp-server");
  const port = server.ready.port!;
  const opener = host.spawn(process.execPath, ["-e", OPEN_ON_LINE, String(port)]);
  const watch = startConntrail(host, ["watch", "--namespaces", "own", "--no-names", "--interval", `${INTERVAL_MS}ms`]);
  await watch.line((line) => !line.includes('"starting"'), DEADLINE_MS);

  const opened = new Map<number, number>();
  const open = async (): Promise<void> => {
    for (let i = 0; i < SAMPLES; i++) {
      opener.write("open\n");
      const { port: local, timeMs } = await opener.json<{ port: number; timeMs: number }>();
      opened.set(local, timeMs);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const delays: number[] = [];
  const see = async (): Promise<void> => {
    while (delays.length < SAMPLES) {
      const { connections } = JSON.parse(await watch.line(undefined, DEADLINE_MS)) as Seen;
      const now = Date.now();
      for (const { from, to } of connections) {
        const timeMs = opened.get(from.port);
        if (timeMs === undefined || from.pid !== opener.pid || to.pid !== server.pid) continue;
        opened.delete(from.port);
        delays.push(now - timeMs);
      }
    }
  };
  await Promise.all([open(), see()]);
  const target = { atMost: INTERVAL_MS + SLACK_MS, note: "T8" };
  return [
    { name: "with both processes", unit: "ms", value: delays, target },
    { name: "worst", unit: "ms", value: Math.max(...delays), target },
  ];
}

interface Seen {
  readonly connections: readonly { readonly from: SeenEnd; readonly to: SeenEnd }[];
}

interface SeenEnd {
  readonly port: number;
  readonly pid: number | null;
}

/** For every line that comes in, opens a connection to the port given and tells its local port and when connect() was called. */
const OPEN_ON_LINE = `
  const { connect } = require("node:net");
  require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
    const timeMs = Date.now();
    const socket = connect(Number(process.argv[1]), "127.0.0.1", () => {
      console.log(JSON.stringify({ port: socket.localPort, timeMs }));
    });
  }).on("close", () => process.exit(0));`;
