/** Who says what containers are called: the Docker-compatible API on a Unix socket, asked whether it is there (`GET /_ping`, Docker Engine API). */
import { request } from "node:http";
import { DEFAULT_CONTAINER_APIS } from "@conntrail/names";
import { type Check, found, notAsked, wrong } from "./check.ts";
import { asRoot } from "./surroundings.ts";

const ID = "container-api";
const TITLE = "names of containers";
const TIMEOUT_MS = 2000;

/** Asks the API named (`unix:///…`), or else whichever of the usual ones is there. False: it is not asked for. */
export async function checkContainerEngine(named: string | false | undefined): Promise<Check> {
  if (named === false) return notAsked(ID, TITLE);
  const paths = named === undefined ? DEFAULT_CONTAINER_APIS : [named.replace(/^unix:\/\//, "")];
  const lost = "names, images and pods of containers: their ids stay";
  for (const path of paths) {
    const failure = await ping(path);
    if (failure === undefined) return found(ID, TITLE, `${path} answers`);
    if (failure === "ENOENT" || failure === "ENOTDIR") continue;
    if (failure === "EACCES" || failure === "EPERM") {
      const mend = `Run as root, or as a member of the group that ${path} belongs to.`;
      return wrong("limited", ID, TITLE, { found: `${path} may not be asked`, lost, mend });
    }
    const engine = path.includes("podman") ? "podman.socket" : "docker";
    const mend = named === undefined ? asRoot(`systemctl start ${engine}`) : null;
    return wrong("limited", ID, TITLE, { found: `${path} does not answer: ${failure}`, lost, mend });
  }
  if (named === undefined) return found(ID, TITLE, "no container engine's socket is here");
  const mend = "Name the socket of an engine that runs, or do without: --no-container-api.";
  return wrong("missing", ID, TITLE, { found: `${paths[0]} is not there`, lost, mend });
}

/** Undefined: it answered; else why not. */
function ping(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: "/_ping", timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(undefined);
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end();
  });
}
