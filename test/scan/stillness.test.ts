/** Whether a new socket table would be the same: the kernel's counters, on a real kernel and as text. */
import { fileURLToPath } from "node:url";
import { netCounters } from "@conntrail/procfs";
import { describe, expect, test } from "vitest";
import { createLab, kernelTest } from "../lab/index.ts";

const PROGRAM = fileURLToPath(new URL("./programs/stillness.mjs", import.meta.url));

describe("a scanner that has scanned", () => {
  kernelTest("T9 sees by the kernel's counters that nothing happened, and everything that did", async () => {
    await using lab = await createLab("host");
    const program = lab.ns("host").spawn(process.execPath, [PROGRAM]);
    expect(await program.json(60_000)).toEqual({
      first: false,
      nothing: true,
      told: false,
      again: true,
      "a listener": false,
      "a connection": false,
      traffic: false,
      "a UDP socket": false,
      "its end": false,
      "an end": false,
    });
  });
});

describe("the counters of a namespace", () => {
  const snmp = (active: number, segments: number): string =>
    [
      "Ip: Forwarding DefaultTTL",
      "Ip: 1 64",
      "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs",
      `Tcp: 1 200 120000 -1 ${active} 0 0 0 2 ${segments} ${segments}`,
      "Udp: InDatagrams NoPorts",
      "Udp: 5 0",
    ].join("\n");
  const sockstat = (tcp: number): string =>
    `sockets: used 155\nTCP: inuse ${tcp} orphan 0 tw 3 alloc 4 mem 1\nUDP: inuse 1 mem 0\n`;
  const sockstat6 = "TCP6: inuse 1\nUDP6: inuse 0\n";

  test("differ when a connection was opened, and when there is another number of sockets", () => {
    const before = netCounters(snmp(7, 90), sockstat(2), sockstat6, 0);
    expect(netCounters(snmp(7, 90), sockstat(2), sockstat6, 0)).toBe(before);
    expect(netCounters(snmp(8, 90), sockstat(2), sockstat6, 0)).not.toBe(before);
    expect(netCounters(snmp(7, 90), sockstat(3), sockstat6, 0)).not.toBe(before);
    expect(netCounters(snmp(7, 90), sockstat(2), "TCP6: inuse 1\nUDP6: inuse 1\n", 0)).not.toBe(before);
  });

  test("know of segments where there are few sockets", () => {
    expect(netCounters(snmp(7, 91), sockstat(2), sockstat6, 3)).not.toBe(
      netCounters(snmp(7, 90), sockstat(2), sockstat6, 3),
    );
    expect(netCounters(snmp(7, 91), sockstat(3), sockstat6, 3)).toBe(
      netCounters(snmp(7, 90), sockstat(3), sockstat6, 3),
    );
  });

  test("do not know of what other sockets do, and of memory", () => {
    const noisy = "sockets: used 999\nTCP: inuse 2 orphan 5 tw 8 alloc 9 mem 7\nUDP: inuse 1 mem 4\n";
    expect(netCounters(snmp(7, 90), noisy, sockstat6, 0)).toBe(netCounters(snmp(7, 90), sockstat(2), sockstat6, 0));
  });

  test("are not there without a line of TCP", () => {
    expect(netCounters("Ip: 1\n", sockstat(2), sockstat6, 0)).toBeUndefined();
  });
});
