/** The example in examples/agent, as its author runs it: compiled strictly, then in a namespace with traffic. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ReportJson } from "@conntrail/report";
import { expect, test } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";

const AGENT = fileURLToPath(new URL("../../examples/agent", import.meta.url));
const TSC = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
const FETCH = "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))";

interface Line {
  readonly message: string;
  readonly port?: number;
  readonly id?: number;
  readonly connections?: number;
  readonly client?: string;
  readonly service?: string;
}

test("its example is strict TypeScript", async () => {
  await promisify(execFile)(TSC, ["-p", AGENT, "--noEmit"]);
}, 90_000);

kernelTest(
  "the example agent serves metrics and reports, logs what opens and ends, and stops in good order",
  async () => {
    await using lab = await loopbackLab();
    const { host } = lab;
    const server = await host.start("tcp-server");
    const port = server.ready.port!;
    await host.start("tcp-client", { port, connections: 2, hold: true });
    const tsx = import.meta.resolve("tsx");
    const filter = `to.port == ${port}`;
    const agent = host.spawn(process.execPath, [
      ...["--import", tsx, `${AGENT}/src/agent.ts`, "--port", "0", "--namespaces", "own", "--filter", filter],
    ]);
    const until = async (message: string): Promise<Line> => {
      for (;;) {
        const line = await agent.json<Line>(25_000);
        if (line.message === message) return line;
      }
    };
    const { port: own } = await until("listening");
    // What was there before is present, and opens to nobody: the picture waits until all sources have been heard.
    expect(await until("present")).toMatchObject({ connections: 2 });
    const client = await host.start("tcp-client", { port, connections: 1, hold: true });
    const opened = await until("opened");
    expect(opened).toMatchObject({ service: expect.stringMatching(new RegExp(`:${port}$`)) });

    const get = (path: string): Promise<string> =>
      host.exec(process.execPath, ["-e", FETCH, `http://127.0.0.1:${own}${path}`]);
    const report = JSON.parse(await get("/report")) as ReportJson;
    expect(report.connections.map(({ to }) => to.port)).toEqual([port, port, port]);
    expect(report.connections.map(({ id }) => id)).toContain(opened.id);
    expect(await get("/metrics")).toMatch(/^conntrail_reports_total [1-9]/m);

    await client.stop();
    expect(await until("closed")).toMatchObject({ id: opened.id });
    agent.signal("SIGTERM");
    await until("stopped");
    expect(await agent.exited).toMatchObject({ code: 0 });
    expect(agent.stderr).toBe("");
  },
);
