/**
 * Why nothing came back, or a reset. An ICMP error belongs to the flow that it is about, and conntrack says nothing of it; a kernel answers a closed TCP
 * port with a reset, so that silence of an address of this host has other reasons.
 */
import { hasPorts, placeText, protocolNumber, tupleDetail } from "@conntrail/model";
import type { ConnectionJson } from "@conntrail/report";
import { type CalledNamespace, calledNamespace, isHere } from "./called-namespace.ts";
import type { Blank } from "./explanation.ts";
import type { FactCollector } from "./fact-collector.ts";
import { candidatesText, datagramsLook, inNamespace } from "./row-place.ts";
import { scansText } from "./scan-findings.ts";
import { isDatagram } from "./verdicts.ts";

/** The blank of a connection that was refused, or has no answer; none for others. */
export function answerBlank(row: ConnectionJson, seen: FactCollector): Blank[] {
  const { state, to } = row;
  if (state === "established") return unheardBlank(row, seen);
  if (state !== "failed" && state !== "unreplied") return [];
  if (state === "failed" && seen.outcome === undefined) {
    const text = `whether it was refused or had no answer is not kept${answerText(row)}`;
    return [{ about: "state", text, help: "conntrail record keeps it, and conntrail why --replay FILE asks it" }];
  }
  if (seen.outcome !== "refused") {
    const [text, help] = silence(row, seen);
    return [{ about: "state", text: `${state === "failed" ? "no answer" : "no answer so far"}${text}`, help }];
  }
  const place = placeText(row.protocol, to);
  if (seen.found.isListenedOn) {
    const text = `${place} refused it, though somebody listens (${listeners(seen)}): not yet or no longer then, or a rule rejects it`;
    return [{ about: "state", text, help: calledNamespace(row, seen).rules }];
  }
  // Here the scans looked for a listener: the blank of the process tells.
  if (to.local && seen.found.scans > 0) return [];
  const text = `${place} refused it: nothing listens there, or a rule rejects it with a reset`;
  return [{ about: "state", text, help: `ss -ltn 'sport = :${to.port}'  (on ${to.address}: is it listened on?)` }];
}

/**
 * True where the numbers say that a TCP call was answered by resets: packets that are headers alone, for whoever accepts a call answers with options. Conntrack counts no ICMP error
 * in them (nf_conntrack_in leaves before the numbers).
 */
export function isLikelyReset({ protocol, family, counters }: ConnectionJson): boolean {
  const { packets, bytes } = counters?.reply ?? { packets: 0, bytes: 0 };
  return protocol === "tcp" && packets > 0 && bytes === packets * (family === "ipv6" ? 60 : 40);
}

/** What the numbers say of that. */
function answerText(row: ConnectionJson): string {
  const { packets, bytes } = row.counters?.reply ?? { packets: 0, bytes: 0 };
  if (row.protocol !== "tcp" || packets === 0) return "";
  const came = `${packets} ${packets === 1 ? "packet" : "packets"} of ${bytes} bytes came back`;
  if (isLikelyReset(row)) return `; ${came}, as a reset has them (a header alone), so it was refused, likely`;
  return `; ${came}, so that it was answered, and ended before it was established`;
}

/** UDP that only sockets tell: a connected socket says nothing of datagrams; those that the trace saw do. */
function unheardBlank(row: ConnectionJson, { senders }: FactCollector): Blank[] {
  const { protocol, sources } = row;
  if (!isDatagram(protocol) || sources.includes("conntrack")) return [];
  if (senders.from !== undefined && senders.to !== undefined) return [];
  const sender = senders.from ?? senders.to;
  const text =
    sender === undefined
      ? "nothing saw a datagram of it: a connected socket tells neither whether anything was sent nor whether it was answered"
      : `${sender} sent a datagram; whether the other end did is not known`;
  return [{ about: "state", text, help: datagramsLook(row) }];
}

type Words = readonly [text: string, help: string];

/** What can be behind silence, to stand behind "no answer", and what to look at. */
function silence(row: ConnectionJson, seen: FactCollector): Words {
  const { protocol, to } = row;
  if (!hasPorts(protocolNumber(protocol) ?? 0)) return portless(row);
  const { isListenedOn } = seen.found;
  if (isDatagram(protocol)) return datagram(row, seen);
  const called = calledNamespace(row, seen);
  const passed = called.passed === "" ? "" : `; ${called.passed}`;
  const a = called.name === undefined ? "a rule" : `a rule of ${called.name}`;
  const isLocal = isHere(to.address) || called.drops !== "it";
  if (isListenedOn) {
    const queue = protocol === "tcp" ? ["the listener's queue of new connections is full"] : [];
    const back = called.drops === "it" ? [] : [`there is no route back to ${row.from.address}`];
    const drops = called.drops === "it" ? "the call or its answer" : called.drops;
    const text = `, though somebody listens there (${listeners(seen)})${passed}: ${[...queue, ...back].map((cause) => `${cause}, `).join("")}${queue.length + back.length === 0 ? "" : "or "}${a} drops ${drops}${isLocal ? "" : ", or one of the two ways is broken"}`;
    if (protocol !== "tcp") return [text, called.rules];
    const command = called.command(`ss -ltn 'sport = :${to.port}'`);
    return [text, `${command}  (Recv-Q above Send-Q: the queue is full); then ${called.rules}`];
  }
  if (to.local && protocol === "tcp") {
    const what = called.drops === "it" ? "drops it, or rejects it with an ICMP error" : `drops ${called.drops}`;
    const lost = isLocal ? "" : ", or it gets lost on the way";
    const text = `, although ${to.address} is an address of this host${placed(called)}, and a closed port would have been answered by a reset${passed}: ${a} ${what}${lost}`;
    const arrives = `${called.command(`tcpdump -ni any 'tcp port ${to.port}'`)}  (does it arrive?)`;
    return [text, isLocal ? called.rules : `${called.rules}; ${arrives}`];
  }
  const text = `: ${to.address} is down or out of reach, a rule on the way drops it, or an ICMP error came, of which conntrack tells nothing`;
  return [text, icmpErrors(row)];
}

/** ICMP, GRE and others: no port says who should answer. */
function portless(row: ConnectionJson): Words {
  const { protocol, from, to } = row;
  const reach = to.local || isHere(to.address) ? "" : "is down or out of reach, ";
  if (tupleDetail(protocol, from.port, to.port).includes("echo request")) {
    const text = `: ${to.address} ${reach}answers no ping, or a rule drops it`;
    return [text, `${inNamespace(row, `ping -c 3 ${to.address}`)}  (is it answered now?)`];
  }
  const back = "(does anything come back?)";
  const errors = "that may be answered by an ICMP error, of which conntrack tells nothing";
  if (protocol === "gre" && (from.port !== 0 || to.port !== 0)) {
    const text = `, as conntrack matches them: without the PPTP helper (nf_conntrack_pptp) any answer is a row of its own; or nothing there takes gre (${errors}), or a rule drops it`;
    return [text, `${inNamespace(row, "tcpdump -ni any 'ip proto 47 or icmp'")}  ${back}`];
  }
  const number = protocolNumber(protocol);
  const filter =
    number === undefined ? `host ${to.address}` : `host ${to.address} and (proto ${number} or icmp or icmp6)`;
  const text = `: ${to.address} ${reach}is silent, which ${protocol} allows, does not take ${protocol} (${errors}), or a rule drops it`;
  return [text, `${inNamespace(row, `tcpdump -ni any '${filter}'`)}  ${back}`];
}

function datagram(row: ConnectionJson, seen: FactCollector): Words {
  const { protocol, to } = row;
  const { isListenedOn, scans } = seen.found;
  const place = placeText(protocol, to);
  if (to.local && scans > 0 && !isListenedOn) {
    const text = `; nothing had ${place} bound in ${scansText(scans)}: probably an ICMP error came (port unreachable), of which conntrack tells nothing`;
    return [text, icmpErrors(row)];
  }
  if (isListenedOn) {
    const called = calledNamespace(row, seen);
    const a = called.name === undefined ? "a rule" : `a rule of ${called.name}`;
    const passed = called.passed === "" ? "" : `; ${called.passed}`;
    const back = called.drops === "it" ? "" : `there is no route back to ${row.from.address}, or `;
    const way = isHere(to.address) || called.drops !== "it" ? "" : ", or one of the two ways is broken";
    const text = `, though somebody takes datagrams there (${listeners(seen)})${passed}: who takes them has nothing to say, does not get to read (the queue is full), or answers from another address (a flow of its own); or ${back}${a} drops ${called.drops}${way}`;
    const queue = called.command(`ss -uanp 'sport = :${to.port}'`);
    return [text, `${queue}  (Recv-Q above 0: it does not read); then ${called.rules}`];
  }
  const text = `: ${place} has nothing to say (UDP asks for no answer), is down or out of reach, a rule drops it, or an ICMP error came, of which conntrack tells nothing`;
  return [text, icmpErrors(row)];
}

function icmpErrors(row: ConnectionJson): string {
  return `${inNamespace(row, "tcpdump -ni any 'icmp or icmp6'")}  (ICMP errors, while it is tried again)`;
}

/** Who waits for calls there. */
function listeners({ found }: FactCollector): string {
  return candidatesText(found, found.listeners.values());
}

function placed({ name }: CalledNamespace): string {
  return name === undefined ? "" : ` (in ${name})`;
}
