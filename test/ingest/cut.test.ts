/** What the kernel promises, on which everything rests that is joined by order: told of connections that the program makes itself. */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";

const PROGRAM = fileURLToPath(new URL("./programs/cuts.mjs", import.meta.url));

interface Result {
  readonly connections: number;
  readonly tables: number;
  readonly sockets: number;
}

kernelTest(
  "F33 the NEW is there when connect() is back, each socket of a dump has its flow behind the cut, cookies stay, and all happened when it is told",
  async () => {
    await using lab = await loopbackLab();
    // No port is used twice, so that a port names a connection.
    await lab.host.sysctl("net.ipv4.tcp_tw_reuse", 0);
    const program = lab.host.spawn(process.execPath, [PROGRAM, "1000", "3", "15"]);
    const result = await program.json<Result>(60_000);
    expect(result).toMatchObject({ unheard: 0, flowless: 0, elsewhen: 0, outside: 0 });
    expect(result.connections).toBeGreaterThanOrEqual(1_000);
    expect(result).toMatchObject({ uncookied: 0, recookied: 0 });
    // It was looked at while it happened.
    expect(result.tables).toBeGreaterThan(10);
    expect(result.sockets).toBeGreaterThan(200);
  },
  90_000,
);
