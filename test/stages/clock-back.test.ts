/** Times that go backwards (a recording of a clock that was set): an end that lies before its beginning. The merge runs in a process of its own, because it once never came back. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const PROGRAM = `
import { run, tick, connections } from "./snapshot-view.ts";
import { batch, flow, HOST } from "./flow-fixture.ts";
const STEP = Number(process.argv[1]);
const client = flow("10.1.0.2:40000 > 10.9.0.1:80").in(HOST + 1);
const router = flow("10.1.0.2:40000 > 10.9.0.1:80").dnat("10.2.0.2:8080").snat("10.2.0.1:40000");
const several = { health: { namespaces: 2 } };
const reports = run([
  batch(5000, [client.seen(4990), router.seen(4990)], several),
  batch(5100 - STEP, [client.state("timeWait").seen(4990, 5090 - STEP), router.state("timeWait").seen(4990, 5090 - STEP)], several),
  tick(5200), tick(6500, true),
]);
console.log(JSON.stringify(reports.flatMap(connections).filter((c) => c.state === "closed").map((c) => c.ends)));
`;

test.each([0, 150, 250, 3_600_000])(
  "F60 a step back by %d ms does not hang the merge",
  { timeout: 60_000 },
  (stepMs) => {
    const { stdout, signal } = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", PROGRAM, String(stepMs)],
      { timeout: 30_000, killSignal: "SIGKILL", encoding: "utf8", cwd: import.meta.dirname },
    );
    expect({ signal, stdout: stdout.trim() }).toEqual({ signal: null, stdout: '["10.1.0.2:40000 > 10.2.0.2:8080"]' });
  },
);
