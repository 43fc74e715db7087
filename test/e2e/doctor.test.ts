/** `conntrail doctor`: each failure, made in a namespace, is named; the command printed for it is run as it stands; then it is gone. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check, Diagnosis } from "@conntrail/doctor";
import { encodeConntrackRequest, NETLINK_FAMILY } from "@conntrail/netlink";
import { openNetlinkSocket } from "@conntrail/netlink/socket";
import { expect } from "vitest";
import { mustRun } from "../lab/command.ts";
import {
  CONNTRAIL,
  createLab,
  kernelTest,
  type LabNamespace,
  loopbackLab,
  NOBODY,
  plainLab,
  runConntrail,
  TRACK,
} from "../lab/index.ts";

/** What is asked for in most rows: names need a server, and other namespaces of this machine are not ours. */
const USUAL = ["--no-names", "--namespaces", "own"];

async function diagnose(
  host: LabNamespace,
  args: readonly string[] = USUAL,
  options = {},
): Promise<Diagnosis & { code: number | null }> {
  const { stdout, stderr, code } = await runConntrail(host, ["doctor", "--format", "json", ...args], options);
  expect(stderr).toBe("");
  return { ...(JSON.parse(stdout) as Diagnosis), code };
}

function the({ checks }: Diagnosis, id: string): Check {
  const check = checks.find((each) => each.id === id);
  if (check === undefined) throw new Error(`no check ${id} among ${checks.map((each) => each.id).join(", ")}`);
  return check;
}

/** Runs the command as it stands, from outside of the namespace. */
async function mend({ mend: command }: Check): Promise<void> {
  await mustRun("sh", ["-c", command!]);
}

interface Row {
  readonly name: string;
  readonly id: string;
  readonly state: Check["state"];
  readonly found: RegExp;
  readonly args?: readonly string[];
  readonly induce?: (host: LabNamespace) => Promise<unknown>;
}

const ROWS: readonly Row[] = [
  { name: "no rule refers to ct", id: "tracking", state: "missing", found: /no rule here refers to ct/ },
  {
    name: "only IPv4 is tracked",
    id: "tracking",
    state: "limited",
    found: /over IPv4, and not over IPv6/,
    induce: (host) =>
      host.nft("table ip track { chain arrive { type filter hook prerouting priority 0; ct state new; }; }"),
  },
  {
    name: "the loopback is down, so that nothing can be tried",
    id: "tracking",
    state: "unknown",
    found: /loopback is down/,
    induce: async (host) => {
      await host.nft(TRACK);
      await host.exec("ip", ["address", "flush", "dev", "lo"]);
      await host.exec("ip", ["link", "set", "lo", "down"]);
    },
  },
  {
    name: "events are switched off",
    id: "events",
    state: "missing",
    found: /nf_conntrack_events is 0/,
    induce: (host) => host.sysctl("net.netfilter.nf_conntrack_events", 0),
  },
  { name: "bytes are not counted", id: "accounting", state: "limited", found: /acct is 0/ },
  { name: "start times are not kept", id: "timestamps", state: "limited", found: /timestamp is 0/ },
];

for (const { name, id, state, found, args = USUAL, induce } of ROWS) {
  kernelTest(`doctor: ${name}: named, mended by the command printed, and gone`, async () => {
    await using lab = await plainLab();
    await induce?.(lab.host);

    const before = await diagnose(lab.host, args);
    const check = the(before, id);
    expect(check).toMatchObject({ state, found: expect.stringMatching(found), lost: expect.any(String) });
    expect(before.netnsName).toBe(lab.host.name);
    expect(before.code === 0, JSON.stringify(before.checks, null, 1)).toBe(before.works);
    if (state === "missing") expect(before.works).toBe(false);
    await mend(check);

    const after = await diagnose(lab.host, args);
    expect(the(after, id), after.checks.map((each) => `${each.id} ${each.state}`).join()).toMatchObject({
      state: "ok",
      lost: null,
      mend: null,
    });
  });
}

kernelTest("doctor: where nothing is wrong nothing is said to be, and the code is 0", async () => {
  await using lab = await loopbackLab();
  for (const name of ["acct", "timestamp"]) await lab.host.sysctl(`net.netfilter.nf_conntrack_${name}`, 1);

  const { works, code, checks } = await diagnose(lab.host);

  // A sandbox may protect a process from everybody, root too: that is told, and nothing here mends it.
  const ailing = checks.filter(({ id, state }) => id !== "processes" && state !== "ok" && state !== "off");
  expect(ailing).toEqual([]);
  expect({ works, code }).toEqual({ works: true, code: 0 });
});

kernelTest("doctor: what was not asked for is not looked at, and cannot be missing", async () => {
  await using lab = await plainLab();

  const { works, code, checks } = await diagnose(lab.host, [...USUAL, "--no-conntrack", "--no-trace"]);

  expect(the({ checks } as Diagnosis, "tracking")).toMatchObject({ state: "off", lost: null, mend: null });
  expect({ works, code }).toEqual({ works: true, code: 0 });
});

kernelTest(
  "doctor: a table that is nearly full is named before it is full, and the command printed makes room",
  async () => {
    await using lab = await plainLab();
    const max = Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_max", "utf8"));
    fill(lab.host, Math.ceil(max * 0.82));
    try {
      const check = the(await diagnose(lab.host), "table");
      expect(check).toMatchObject({ state: "limited", found: expect.stringMatching(new RegExp(`of ${max}`)) });
      await mend(check);
      expect(the(await diagnose(lab.host), "table")).toMatchObject({ state: "ok" });
    } finally {
      writeFileSync("/proc/sys/net/netfilter/nf_conntrack_max", `${max}\n`);
    }
  },
);

/** Puts entries into the table of a namespace, some thousand to a message. */
function fill({ path }: LabNamespace, entries: number): void {
  const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath: path });
  const batch: Uint8Array[] = [];
  const flush = (): void => {
    if (batch.length > 0) socket.send(Buffer.concat(batch.splice(0)));
  };
  for (let i = 0; i < entries; i++) {
    const source = Uint8Array.of(10, 200, (i >> 16) & 255, 1 + ((i >> 12) & 15));
    const destination = Uint8Array.of(10, 201, 0, 1);
    const proto = { kind: "ports", number: 17, sourcePort: 1024 + (i & 4095), destinationPort: 53 } as const;
    const back = { kind: "ports", number: 17, sourcePort: 53, destinationPort: 1024 + (i & 4095) } as const;
    batch.push(
      encodeConntrackRequest("create", {
        family: 2,
        original: { source, destination, proto },
        reply: { source: destination, destination: source, proto: back },
        timeout: 120,
      }),
    );
    if (batch.length === 500) flush();
  }
  flush();
  socket.close();
}

/** `sudo` for a test that is root already: the rest of the line. */
async function withSudo(host: LabNamespace, command: string): Promise<Diagnosis> {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-sudo-"));
  try {
    copyFileSync("/usr/bin/env", join(folder, "sudo"));
    chmodSync(join(folder, "sudo"), 0o755);
    const { stdout } = await host.tryExec("sh", ["-c", command], { env: { PATH: `${folder}:${process.env.PATH}` } });
    return JSON.parse(stdout) as Diagnosis;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

kernelTest(
  "doctor: an ordinary user lacks rights; the command printed gives them, and nothing more",
  async () => {
    await using lab = await loopbackLab();
    const refused = await diagnose(lab.host, USUAL, { user: NOBODY });
    const ids = ["net-admin", "perfmon", "sys-ptrace", "dac-read-search"].map((name) => `capability.${name}`);
    for (const id of ids) expect(the(refused, id), id).toMatchObject({ found: "not held", mend: expect.any(String) });
    expect(the(refused, "capability.net-admin").state).toBe("missing");
    expect(the(refused, "ctnetlink").state).toBe("missing");
    expect(the(refused, "perf-events").state).toBe("missing");
    expect(the(refused, "processes")).toMatchObject({ state: "limited", found: expect.stringMatching(/refuse/) });
    expect(refused.code).toBe(1);

    // tracefs is a matter of its own: see the next test.
    const command = the(refused, "capability.net-admin").mend!;
    expect(command).toMatch(/^sudo setpriv --reuid=65534 --regid=65534 .*--ambient-caps=\+net_admin/);
    const granted = await withSudo(lab.host, command);

    for (const id of [...ids, "ctnetlink", "tracking"]) expect(the(granted, id), id).toMatchObject({ state: "ok" });
  },
  120_000,
);

kernelTest(
  "doctor: a tracefs that is mounted nowhere and may not be mounted by us is named, and the command mounts it",
  async () => {
    await using lab = await loopbackLab();
    const rights = "+perfmon,+dac_read_search,+sys_ptrace,+net_admin";
    const run = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --inh-caps=${rights} --ambient-caps=${rights}`;
    const doctor = `${run} ${process.execPath} ${CONNTRAIL} doctor --format json ${USUAL.join(" ")}`;
    const script = (between: string): string =>
      `umount -l /sys/kernel/tracing 2>/dev/null; umount -l /sys/kernel/debug 2>/dev/null; ${between} ${doctor}`;
    const inOwnMounts = async (between: string): Promise<Diagnosis> => {
      const { stdout } = await lab.host.tryExec("unshare", ["--mount", "sh", "-c", script(between)]);
      return JSON.parse(stdout) as Diagnosis;
    };

    const before = await inOwnMounts("");
    expect(the(before, "tracefs")).toMatchObject({ state: "missing", found: expect.stringMatching(/mounted nowhere/) });
    expect(the(before, "perf-events")).toMatchObject({ state: "missing" });
    const after = await inOwnMounts(`${the(before, "tracefs").mend!.replace(/^sudo /, "")} &&`);
    expect(the(after, "tracefs").state).toBe("ok");
    expect(the(after, "perf-events")).toMatchObject({ state: "ok" });
  },
  120_000,
);

kernelTest(
  "doctor: /proc with hidepid is named, and the command printed shows the processes again",
  async () => {
    await using lab = await loopbackLab();
    const drop = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --inh-caps=-all`;
    const doctor = `${drop} ${process.execPath} ${CONNTRAIL} doctor --format json ${USUAL.join(" ")}`;
    const hide = "mount -t proc -o hidepid=invisible proc /proc";
    const inOwnMounts = async (script: string): Promise<Diagnosis> => {
      const { stdout, stderr } = await lab.host.tryExec("unshare", ["--mount", "sh", "-c", script]);
      expect(stderr).toBe("");
      return JSON.parse(stdout) as Diagnosis;
    };

    const check = the(await inOwnMounts(`${hide} && ${doctor}`), "hidepid");
    expect(check).toMatchObject({ state: "limited", found: "/proc is mounted with hidepid=invisible" });
    const remount = check.mend!.replace(/^sudo /, "");
    expect(the(await inOwnMounts(`${hide} && ${remount} && ${doctor}`), "hidepid").state).toBe("ok");
  },
  120_000,
);

kernelTest("doctor: a pid namespace of its own is named, with how to start the container", async () => {
  await using lab = await loopbackLab();
  const doctor = [process.execPath, CONNTRAIL, "doctor", "--format", "json", ...USUAL];
  const { stdout } = await lab.host.tryExec("unshare", ["--pid", "--fork", "--mount-proc", ...doctor]);
  expect(the(JSON.parse(stdout) as Diagnosis, "pid-namespace")).toMatchObject({
    state: "limited",
    mend: expect.stringMatching(/--pid=host/),
  });
});

kernelTest("doctor: a name server that does not answer is named; --name-server and --no-names mend it", async () => {
  await using lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const silent = await diagnose(host, ["--namespaces", "own", "--name-server", "127.0.0.1:9"]);
  expect(the(silent, "names")).toMatchObject({
    state: "missing",
    found: expect.stringMatching(/127\.0\.0\.1:9 does not/),
  });
  expect(silent.code).toBe(1);
  const without = await diagnose(host);
  expect(the(without, "names").state).toBe("off");
  expect(without.code).toBe(0);
});

kernelTest(
  "doctor: a container engine that is not there is named where one was asked for, and gone once it answers",
  async () => {
    await using lab = await loopbackLab();
    const folder = mkdtempSync(join(tmpdir(), "conntrail-engine-"));
    const path = join(folder, "engine.sock");
    const args = [...USUAL, "--container-api", `unix://${path}`];
    try {
      const before = await diagnose(lab.host, args);
      expect(the(before, "container-api")).toMatchObject({ state: "missing", found: `${path} is not there` });
      expect(before.code).toBe(1);
      const engine = `require("node:http").createServer((_, to) => to.end("OK")).listen(${JSON.stringify(path)}, () => console.log("{}"));`;
      await lab.host.spawn(process.execPath, ["-e", engine]).json();
      expect(the(await diagnose(lab.host, args), "container-api").state).toBe("ok");
      expect(the(await diagnose(lab.host, [...USUAL, "--no-container-api"]), "container-api").state).toBe("off");
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  120_000,
);

kernelTest("N3 an empty report says why in two lines, and the second one mends it", async () => {
  await using lab = await plainLab();
  const args = ["report", "--format", "table", "--window", "300ms", ...USUAL];
  const before = (await runConntrail(lab.host, args)).stdout.trimEnd().split("\n").slice(-2);
  expect(before[0]).toMatch(/^No connection was seen in .*no rule here refers to ct/);
  const [, command] = /^mend: (.*)$/.exec(before[1]!)!;
  await mustRun("sh", ["-c", command!]);
  const after = (await runConntrail(lab.host, args)).stdout.trimEnd().split("\n").slice(-2);
  expect(after[0]).toMatch(/what was asked for works: nothing talks in this network namespace/);
});

kernelTest("N3 as JSON the two lines go to standard error, and a filter that leaves nothing says so", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  const args = ["report", "--format", "json", "--window", "300ms", ...USUAL, "--to-port", "1"];
  const { stdout, stderr } = await runConntrail(lab.host, args);
  expect(JSON.parse(stdout)).toMatchObject({ connections: [] });
  expect(stderr).toMatch(/^The one connection seen is not|^Of \d+ connections seen none|^The one connection/);
});
