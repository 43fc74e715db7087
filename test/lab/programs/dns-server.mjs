// A DNS server for reverse names: answers PTR from --records, a JSON object { address: [names] }, NXDOMAIN for the rest.
// Each query is told as a line { query, type }. With --black-hole it never answers; --delay-ms makes it slow.
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { AUTHORITATIVE_ANSWER, decode, encode } from "dns-packet";
import { ready, start, tell } from "./start.mjs";

const options = start({ host: "127.0.0.1", port: 53, records: "{}", blackHole: false, delayMs: 0, ttl: 60 });
const NXDOMAIN = 3;
const names = new Map(Object.entries(JSON.parse(options.records)).map(([address, list]) => [pointer(address), list]));

/** The name under in-addr.arpa (RFC 1035, 3.5) or ip6.arpa (RFC 3596, 2.5) that stands for an address. */
function pointer(address) {
  if (!isIPv6(address)) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const [head, tail] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const groups = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail];
  const nibbles = groups.map((group) => group.padStart(4, "0")).join("");
  return `${[...nibbles].reverse().join(".")}.ip6.arpa`;
}

const socket = createSocket(isIPv6(options.host) ? "udp6" : "udp4");
socket.on("error", () => undefined);
socket.on("message", (bytes, from) => {
  const query = decode(bytes);
  const [question] = query.questions;
  tell({ query: question.name, type: question.type });
  if (options.blackHole) return;
  const found = question.type === "PTR" ? names.get(question.name.toLowerCase()) : undefined;
  const answer = encode({
    type: "response",
    id: query.id,
    flags: AUTHORITATIVE_ANSWER | (found === undefined ? NXDOMAIN : 0),
    questions: query.questions,
    answers: (found ?? []).map((data) => ({ type: "PTR", name: question.name, ttl: options.ttl, data })),
  });
  setTimeout(() => socket.send(answer, from.port, from.address), options.delayMs);
});
socket.bind(options.port, options.host, () => ready({ port: socket.address().port }));
