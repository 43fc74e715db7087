/** Where a program does not tell the descriptor of its event loops, nobody sleeps on descriptors: sockets and rings are read by the clock, as ever. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mustRun } from "../lab/command.ts";
import { startConntrail } from "../lab/conntrail.ts";
import { createLab, kernelTest } from "../lab/index.ts";
import { TRACK } from "../lab/topology.ts";

const NO_LOOP = fileURLToPath(new URL("./programs/no-loop.mjs", import.meta.url));
const CAN_WAIT =
  'import { ReadableWait } from "@conntrail/netlink/socket"; console.log(ReadableWait.open() !== undefined);';

test("a wait can be had, but not where the functions that lead to the loop are missing", async () => {
  const program = ["--input-type=module", "--eval", CAN_WAIT];
  expect(await mustRun(process.execPath, program)).toBe("true\n");
  expect(await mustRun(process.execPath, ["--import", NO_LOOP, ...program])).toBe("false\n");
});

kernelTest("without it connections are told with both processes all the same", async () => {
  await using lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const server = await host.start("tcp-server");
  const only = ["--namespaces", "own", "--no-names"];
  const watch = startConntrail(host, ["watch", "--changes", ...only], { nodeArgs: ["--import", NO_LOOP] });
  await watch.line((line) => line.includes('"snapshot"'), 40_000);
  const client = await host.start("tcp-client", { host: "127.0.0.1", port: server.ready.port!, hold: true });
  await watch.line((line) => line.includes(`"pid":${client.pid}`) && line.includes(`"pid":${server.pid}`), 40_000);
});
