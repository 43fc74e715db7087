/** Debian's `clickhouse-server` (18.16), on the loopback, with a folder of its own: old, but a real server on a real wire. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A running server. */
export interface DebianServer {
  readonly url: string;
  kill(): Promise<void>;
}

/** How long it may take to answer on a busy machine. */
const START_MS = 60_000;

/** Starts one on a port that is free. User `default` has the password `right`. */
export async function startDebianServer(folder: string): Promise<DebianServer> {
  const [http, tcp] = [await freePort(), await freePort()];
  for (const name of ["data", "tmp", "user_files", "format_schemas"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "config.xml"), config(folder, http, tcp));
  writeFileSync(join(folder, "users.xml"), USERS);
  const child: ChildProcess = spawn("clickhouse-server", [`--config-file=${join(folder, "config.xml")}`], {
    stdio: "ignore",
    cwd: folder,
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
  });
  const url = `http://127.0.0.1:${http}`;
  const end = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(`${url}/ping`).catch(() => undefined);
    if (answer?.ok === true) break;
    if (child.exitCode !== null || Date.now() > end)
      throw new Error(`clickhouse-server did not start (${child.exitCode})`);
    await sleep(100);
  }
  return {
    url,
    async kill(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

function config(folder: string, http: number, tcp: number): string {
  return `<yandex><logger><level>error</level><log>${folder}/log</log><errorlog>${folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>${http}</http_port><tcp_port>${tcp}</tcp_port>
<path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><user_files_path>${folder}/user_files/</user_files_path>
<format_schema_path>${folder}/format_schemas/</format_schema_path><users_config>${folder}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database><mark_cache_size>1048576</mark_cache_size></yandex>`;
}

const USERS = `<yandex><profiles><default></default></profiles><quotas><default></default></quotas>
<users><default><password>right</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>`;
