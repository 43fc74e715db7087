/** Why an address has no name: nobody was asked, there is none, or the servers gave no answer. */
import type { NameFailure, NameInquiry } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { NAMES_REASON } from "./reasons.ts";

const FAILED: Readonly<Record<NameFailure, string>> = {
  timeout: "did not answer in time",
  unreachable: "could not be reached",
  "server-failure": "answered with an error",
  malformed: "answered with what is no answer",
  truncated: "answered with more than fits into a datagram, and not over TCP",
};

const ANOTHER = "--name-server ADDRESS asks another server";

/** The blank of an end without a name. */
export function namesBlank(
  row: ConnectionJson,
  side: "from" | "to",
  health: HealthJson,
  seen: FactCollector,
  isForeign: boolean,
): Blank[] {
  const { names, address } = row[side];
  if (names.length > 0) return [];
  const about = `${side}.names`;
  const { state, reason } = health.names;
  if (state === "off" && isForeign) {
    return [{ about, text: "this file has no names", help: "conntrail record keeps those that it looks up" }];
  }
  if (state === "off") {
    if (reason === "switched-off" && seen.isRecorded) {
      const text = "names were switched off when this was recorded (--no-names)";
      return [{ about, text, help: "a recording without --no-names has them" }];
    }
    const text = reason === null ? "names were not looked up" : NAMES_REASON[reason];
    return [{ about, text, help: reason === "switched-off" ? "without --no-names they are looked up" : ANOTHER }];
  }
  const inquiry = seen.inquiry(address);
  const [text, help] =
    inquiry === undefined
      ? untold(address, health.names, seen.isRecorded)
      : told(address, inquiry, health.names, seen.isRecorded);
  return [{ about, text, help }];
}

function told(
  address: string,
  inquiry: NameInquiry,
  { pending }: HealthJson["names"],
  isRecorded: boolean,
): readonly [string, string] {
  const { outcome, failure, servers, queries } = inquiry;
  const hosts = "a line in /etc/hosts names it";
  if (outcome === "not-asked") {
    return [`${address} means something else on every host: no name server is asked for it`, hosts];
  }
  const asked = `${servers.join(" and ")} ${servers.length === 1 ? "was" : "were"} asked for ${address} ${times(queries)}`;
  if (outcome === "waiting") {
    const text =
      queries === 0
        ? `the question for ${address} waits behind others (${pending} in all)`
        : `${asked}, and the answer is not there yet`;
    return [
      text,
      `${isRecorded ? "a longer recording may have it" : "ask again, or with a longer --window"}; ${ANOTHER}`,
    ];
  }
  if (outcome === "none") return [`${asked}, and answered that it has no name`, `a PTR record there, or ${hosts}`];
  const look = `dig -x ${address} ${digServer(servers.at(-1) ?? "")}`;
  return [`${asked}, and ${FAILED[failure ?? "timeout"]}`, `${look}  (does it answer?); ${ANOTHER}`];
}

/** A server as dig(1) takes it: its port is an option. */
function digServer(server: string): string {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(server) ?? [];
  return port === undefined ? `@${server}` : `@${bracketed ?? plain} -p ${port}`;
}

/** Of a recording that does not say what became of the single question: what the resolver's account says of all of them. */
function untold(
  address: string,
  { reason, pending, lookups, failures }: HealthJson["names"],
  isRecorded: boolean,
): readonly [string, string] {
  if (reason !== null) return [`no name for ${address}: ${NAMES_REASON[reason]}`, ANOTHER];
  if (pending > 0) {
    const text = `no answer for ${address} so far: ${pending} lookups were waiting`;
    return [text, `a longer ${isRecorded ? "recording" : "--window"} waits longer; ${ANOTHER}`];
  }
  const look = `dig -x ${address}`;
  if (failures === 0) {
    return [
      `the name servers have no name for ${address}: each of the ${lookups} lookups was answered`,
      `${look}  (asks again)`,
    ];
  }
  const text = `no name for ${address}: of ${lookups} lookups ${failures} failed, and this recording, of an older version, does not say whether that was ${failures === 1 ? "the one" : "one of them"}`;
  return [text, `${look}  (a name, none, or no answer?)`];
}

function times(queries: number): string {
  return queries === 1 ? "once" : queries === 2 ? "twice" : `${queries} times`;
}
