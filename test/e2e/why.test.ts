/** `conntrail why` and who else can be asked, live: the facts of a translated connection from client, router and server, and the blanks of one whose other end is elsewhere. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionJson } from "@conntrail/report";
import type { Explanation } from "@conntrail/reporter";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, natLab, runConntrail, startConntrail } from "../lab/index.ts";
import { NETWORK, OWN } from "./reports.ts";

kernelTest(
  "why tells which fact decided direction, translation and both processes of a connection through NAT",
  async () => {
    await using lab = await natLab({ track: "all", network: NETWORK });
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const client = await lab.client.start("tcp-client", {
      host: lab.virtual.address,
      port: lab.virtual.port,
      hold: true,
    });
    const end = `${lab.client.address}:${client.ready.ports![0]}`;

    const all = await why(lab.client, [end, `${lab.virtual.address}:${lab.virtual.port}`]);
    expect(all.connection).toMatchObject({ from: { pid: client.pid }, to: { pid: server.pid, ...lab.real[0]! } });
    expect(decided(all)).toEqual(expect.arrayContaining(["direction", "from.process", "nat", "to.process"]));
    expect(new Set(all.facts.map(({ source }) => source))).toEqual(new Set(["dump", "socket", "listener"]));
    const tracking = all.facts.filter(({ source }) => source === "dump").map(({ netns }) => netns);
    expect(tracking.sort()).toEqual(lab.namespaces.map(({ inode }) => inode).sort());

    const own = await why(lab.client, [end, ...OWN]);
    expect(own.blanks.find(({ about }) => about === "to.process")).toMatchObject({
      text: expect.stringContaining("its process is elsewhere"),
      help: expect.stringContaining("on that host"),
    });
  },
  { timeout: 180_000 },
);

kernelTest(
  "a running server is asked why by a row's number: of one that lives, and of one that ended while somebody listened",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "conntrail-why-"));
    const socket = join(folder, "socket");
    await using lab = await natLab({ track: "all", network: NETWORK });
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const serving = startConntrail(lab.client, ["serve", "--listen", `unix:${socket}`, "--no-names"]);
    // Once it knows the listener, it has heard conntrack and the sockets.
    await expect
      .poll(
        () =>
          get(socket, "/healthz").then(
            ({ status }) => status,
            () => 0,
          ),
        PATIENT,
      )
      .toBe(200);
    const listener = request({ socketPath: socket, path: "/api/changes", headers: HOST });
    const events: string[] = [];
    listener.on("response", (response) => response.on("data", (chunk: Buffer) => events.push(String(chunk)))).end();
    await expect.poll(() => events.join(""), PATIENT).toContain("event: snapshot");

    const { address: host, port } = lab.virtual;
    const client = await lab.client.start("tcp-client", { host, port, hold: true });
    const filter = encodeURIComponent(`from.pid == ${client.pid} && to.pid == ${server.pid}`);
    const living = async (): Promise<ConnectionJson | undefined> =>
      (JSON.parse((await get(socket, `/api/report?filter=${filter}`)).body) as { connections: ConnectionJson[] })
        .connections[0];
    await expect.poll(living, PATIENT).toMatchObject({ state: "established" });
    const { id } = (await living())!;
    const asked = async (): Promise<Explanation> =>
      (JSON.parse((await get(socket, `/api/why?id=${id}`)).body) as { explanations: Explanation[] }).explanations[0]!;
    const open = await asked();
    expect(open).toMatchObject({ since: null, connection: { id, to: lab.real[0]! } });
    expect(decided(open)).toEqual(expect.arrayContaining(["direction", "from.process", "nat", "to.process"]));
    expect(open.facts.map(({ source }) => source)).toEqual(expect.arrayContaining(["event", "listener"]));

    client.endInput();
    await expect.poll(() => asked().then(({ connection }) => connection.state), PATIENT).toBe("closed");
    expect(decided(await asked())).toContain("state");
    expect((await get(socket, "/api/why?id=999999999")).status).toBe(404);
    expect((await get(socket, "/api/why")).status).toBe(400);
    listener.destroy();
    serving.signal("SIGTERM");
    expect(await serving.exited).toMatchObject({ code: 0 });
    rmSync(folder, { recursive: true });
  },
  { timeout: 180_000 },
);

const PATIENT = { timeout: 60_000, interval: 200 };
const HOST = { Host: "localhost" };

function get(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: HOST }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    asked.on("error", reject).end();
  });
}

async function why(namespace: LabNamespace, args: readonly string[]): Promise<Explanation> {
  const command = ["why", ...args, "--format", "json", "--window", "500ms", "--no-names"];
  const { code, stdout, stderr } = await runConntrail(namespace, command, { timeoutMs: 80_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { explanations } = JSON.parse(stdout) as { readonly explanations: readonly Explanation[] };
  return explanations[0]!;
}

function decided({ facts }: Explanation): string[] {
  return facts.flatMap(({ claims }) => claims.filter(({ verdict }) => verdict === "decided").map(({ about }) => about));
}
