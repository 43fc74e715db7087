/**
 * Why nothing came back, or a reset. An ICMP error belongs to the flow that it is about, and conntrack says nothing of it; a kernel answers a closed TCP
 * port with a reset, so that silence of an address of this host has other reasons.
 */
import { hasPorts, placeText, protocolNumber, tupleDetail } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { candidatesText, inNamespace, whereAddress } from "./row-place.ts";
import { isDatagram } from "./verdicts.ts";

/** The blank of a connection that was refused, or has no answer; none for others. */
export function answerBlank(row: ConnectionJson, seen: FactCollector): Blank[] {
  const { state, to } = row;
  if (state !== "failed" && state !== "unreplied") return [];
  if (state === "failed" && seen.outcome === undefined) {
    const text = "whether it was refused or had no answer is not kept";
    return [{ about: "state", text, help: "conntrail record keeps it, and conntrail why --replay FILE asks it" }];
  }
  if (seen.outcome !== "refused") {
    const [text, help] = silence(row, seen);
    return [{ about: "state", text: `${state === "failed" ? "no answer" : "no answer so far"}${text}`, help }];
  }
  const place = placeText(row.protocol, to);
  if (seen.found.isListenedOn) {
    const text = `${place} refused it, though somebody listens (${listeners(seen)}): not yet or no longer then, or a rule rejects it`;
    return [{ about: "state", text, help: rules(row) }];
  }
  // Here the scans looked for a listener: the blank of the process tells.
  if (to.local && seen.found.scans > 0) return [];
  const text = `${place} refused it: nothing listens there, or a rule rejects it with a reset`;
  return [{ about: "state", text, help: `ss -ltn 'sport = :${to.port}'  (on ${to.address}: is it listened on?)` }];
}

/** What can be behind silence, to stand behind "no answer", and what to look at. */
function silence(row: ConnectionJson, seen: FactCollector): readonly [string, string] {
  const { protocol, from, to } = row;
  const errors = `${inNamespace(row, "tcpdump -ni any 'icmp or icmp6'")}  (ICMP errors, while it is tried again)`;
  const place = placeText(protocol, to);
  if (!hasPorts(protocolNumber(protocol) ?? 0)) {
    const isEcho = tupleDetail(protocol, from.port, to.port).includes("echo request");
    if (isEcho) {
      const text = `: ${to.address} is down or out of reach, answers no ping, or a rule drops it`;
      return [text, `${inNamespace(row, `ping -c 3 ${to.address}`)}  (is it answered now?)`];
    }
    const text = `: ${to.address} is silent, which ${protocol} allows, out of reach, or a rule drops it`;
    return [text, `${inNamespace(row, `tcpdump -ni any 'host ${to.address}'`)}  (does anything come back?)`];
  }
  const { isListenedOn, scans } = seen.found;
  const hasLooked = to.local && scans > 0;
  if (isDatagram(protocol)) {
    if (hasLooked && !isListenedOn) {
      const text = `; nothing listened on ${place} in ${scans} scans: probably an ICMP error came (port unreachable), of which conntrack tells nothing`;
      return [text, errors];
    }
    if (isListenedOn) {
      const text = `, though somebody takes datagrams there (${listeners(seen)}): it has nothing to say, does not get to read (its queue is full), or a rule drops them`;
      const queue = whereAddress(seen.found, to.address, `ss -uanp 'sport = :${to.port}'`);
      return [text, `${queue}  (Recv-Q above 0: it does not read); then ${rules(row)}`];
    }
    const text = `: ${place} has nothing to say (UDP asks for no answer), is down or out of reach, a rule drops it, or an ICMP error came, of which conntrack tells nothing`;
    return [text, errors];
  }
  if (isListenedOn && protocol === "tcp") {
    const text = `, though somebody listens there (${listeners(seen)}): its queue of new connections is full, a rule drops the call or its answer, or one of the two ways is broken`;
    const queue = whereAddress(seen.found, to.address, `ss -ltn 'sport = :${to.port}'`);
    return [text, `${queue}  (Recv-Q above Send-Q: the queue is full); then ${rules(row)}`];
  }
  if (isListenedOn) {
    const text = `, though somebody listens there (${listeners(seen)}): a rule drops the call or its answer, or one of the two ways is broken`;
    return [text, rules(row)];
  }
  if (to.local && protocol === "tcp") {
    const lost = to.address.startsWith("127.") || to.address === "::1" ? "" : ", or it does not get there";
    const text = `, although ${to.address} is an address of this host, and a closed port would have been answered by a reset: a rule drops it, or rejects it with an ICMP error${lost}`;
    return [text, rules(row)];
  }
  const text = `: ${to.address} is down or out of reach, a rule on the way drops it, or an ICMP error came, of which conntrack tells nothing`;
  return [text, errors];
}

/** Who waits for calls there. */
function listeners({ found }: FactCollector): string {
  return candidatesText(found, found.listeners.values());
}

function rules(row: ConnectionJson): string {
  return `${inNamespace(row, "nft list ruleset")}  (a rule that drops or rejects it)`;
}
