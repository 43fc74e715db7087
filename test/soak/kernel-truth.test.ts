/** What the kernel has and a report has not, and the other way round, is found. */
import type { ConnectionJson } from "@conntrail/report";
import { expect, test } from "vitest";
import { entriesOf, socketsOf } from "../parity/listings.ts";
import { disagreements, type Listing } from "./kernel-truth.ts";

const CLIENT: Listing = {
  where: "client",
  sockets: socketsOf('tcp ESTAB 0 0 10.1.0.2:40000 10.9.0.1:80 users:(("node",pid=7,fd=20))\n'),
  entries: entriesOf(
    "tcp 6 431999 ESTABLISHED src=10.1.0.2 dst=10.9.0.1 sport=40000 dport=80 src=10.9.0.1 dst=10.1.0.2 sport=80 dport=40000 [ASSURED] mark=0 use=1\n",
  ),
};
const SERVER: Listing = {
  where: "server",
  sockets: socketsOf('tcp ESTAB 0 0 10.2.0.2:8080 10.2.0.1:40000 users:(("node",pid=9,fd=21))\n'),
  entries: entriesOf(
    "tcp 6 431999 ESTABLISHED src=10.2.0.1 dst=10.2.0.2 sport=40000 dport=8080 src=10.2.0.2 dst=10.2.0.1 sport=8080 dport=40000 [ASSURED] mark=0 use=1\n",
  ),
};
const ENDING = entriesOf(
  "tcp 6 100 TIME_WAIT src=10.1.0.2 dst=10.9.0.1 sport=39999 dport=80 src=10.9.0.1 dst=10.1.0.2 sport=80 dport=39999 [ASSURED] mark=0 use=1\n",
);

const row = (fields: object = {}): ConnectionJson =>
  ({
    protocol: "tcp",
    from: { address: "10.1.0.2", port: 40000, pid: 7 },
    to: { address: "10.2.0.2", port: 8080, pid: 9 },
    sources: ["conntrack", "sockets"],
    nat: {
      kind: "dnat+snat",
      visible: { from: { address: "10.2.0.1", port: 40000 }, to: { address: "10.9.0.1", port: 80 } },
    },
    ...fields,
  }) as unknown as ConnectionJson;

test("one translated connection through two namespaces agrees with both, and so does one that is over", () => {
  expect(disagreements([row()], [{ ...CLIENT, entries: [...CLIENT.entries, ...ENDING] }, SERVER])).toEqual([]);
});

test("a connection that no row tells is missing, by socket and by entry", () => {
  const found = disagreements([], [CLIENT]);
  expect(found).toHaveLength(2);
  expect(found[0]).toMatch(/^client: 0 rows of the socket tcp ESTAB/);
  expect(found[1]).toMatch(/^client: 0 rows of the entry tcp/);
});

test("a connection that is told twice is told twice", () => {
  expect(disagreements([row(), row()], [SERVER])).toContainEqual(expect.stringMatching(/^server: 2 rows of the entry/));
});

test("another process than the socket's is wrong", () => {
  const to = { ...row().to, pid: 11 };
  expect(disagreements([row({ to })], [CLIENT, SERVER])).toEqual([expect.stringMatching(/^server: process 11 of the/)]);
});

test("a row whose socket and entry are gone is one too many", () => {
  expect(disagreements([row()], [])).toEqual([
    expect.stringMatching(/^no conntrack any more/),
    expect.stringMatching(/^no sockets any more/),
  ]);
});
