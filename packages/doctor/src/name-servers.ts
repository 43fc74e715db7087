/** Whether somebody answers reverse lookups: resolv.conf(5), and a question to each server. */
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { parseDnsServer, parseResolvConf } from "@conntrail/names";
import { type Check, found, notAsked, wrong } from "./check.ts";

const ID = "names";
const TITLE = "reverse lookups";
const RESOLV_CONF = "/etc/resolv.conf";

/** A name in a block for documentation (RFC 5737), of which servers know without asking others that it does not exist (RFC 6303). */
const QUESTION = "1.2.0.192.in-addr.arpa";
const TIMEOUT_MS = 2000;

/** What c-ares calls silence; everything else is an answer. */
const SILENCE = new Set(["ETIMEOUT", "ECONNREFUSED", "ECANCELLED", "EBADRESP", "ENOTINITIALIZED"]);

/** Asks the servers given, `address` or `address:port`, or else those of resolv.conf. */
export async function checkNames(wanted: boolean, servers: readonly string[] | undefined): Promise<Check> {
  if (!wanted) return notAsked(ID, TITLE);
  const asked = (servers ?? []).flatMap((text) => parseDnsServer(text) ?? []);
  const all = asked.length > 0 ? asked : parseResolvConf(readResolvConf());
  const lost = "names of addresses that /etc/hosts does not have";
  if (all.length === 0) {
    return wrong("missing", ID, TITLE, { found: `${RESOLV_CONF} names no server`, lost, mend: INSTEAD });
  }
  const named = all.map(({ address, port }) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`));
  const heard = await Promise.all(named.map(answers));
  const silent = named.filter((_, i) => !heard[i]);
  if (silent.length === 0) return found(ID, TITLE, `${named.join(", ")} ${named.length === 1 ? "answers" : "answer"}`);
  const silence = `${silent.join(", ")} ${silent.length === 1 ? "does" : "do"} not answer`;
  return wrong(silent.length === named.length ? "missing" : "limited", ID, TITLE, {
    found: silence,
    lost,
    mend: INSTEAD,
  });
}

const INSTEAD = "Name a server that answers with --name-server ADDRESS, or do without names: --no-names.";

async function answers(server: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  resolver.setServers([server]);
  try {
    await resolver.resolvePtr(QUESTION);
    return true;
  } catch (error) {
    return !SILENCE.has((error as NodeJS.ErrnoException).code ?? "");
  }
}

function readResolvConf(): string {
  try {
    return readFileSync(RESOLV_CONF, "utf8");
  } catch {
    return ""; // no file names no server
  }
}
