/** PTR questions and answers as bytes: RFC 1035 4, negative answers RFC 2308, delegation below an octet by CNAME RFC 2317. */
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from "dns-packet";
import { hostName, MAX_NAMES } from "./host-name.ts";
import { isWhole } from "./message-shape.ts";

/** Why a server gave neither names nor the word that there are none. */
export type AnswerFailure = "malformed" | "truncated" | "server-failure";

/** What an answer says. `foreign`: it answers another question. `ttlMs` is null when the answer gives none. */
export type PtrAnswer =
  | Names
  | { readonly kind: "none"; readonly ttlMs: number | null }
  /** `partial`: what a truncated answer says, if it says anything. */
  | { readonly kind: "failed"; readonly code: AnswerFailure; readonly partial?: Names }
  | { readonly kind: "foreign" };

type Names = {
  readonly kind: "names";
  readonly names: readonly string[];
  readonly ttlMs: number;
  readonly refusedNames: number;
};

const HEADER_BYTES = 12; // HFIXEDSZ
const MAX_CNAMES = 8;

/** A query for the PTR records of `name`, with recursion desired. */
export function encodePtrQuery(id: number, name: string): Uint8Array {
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: "PTR", name }],
  });
}

/** The id of a message: its first two bytes, network order; `undefined` when it is shorter than a header. */
export function messageId(bytes: Uint8Array): number | undefined {
  return bytes.length < HEADER_BYTES ? undefined : (bytes[0]! << 8) | bytes[1]!;
}

/** Reads the answer to a query for `name`. Any bytes give a value; a truncated answer is a failure, with the names it has. */
export function decodePtrAnswer(bytes: Uint8Array, name: string): PtrAnswer {
  let packet: Packet;
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    const cut = bytes.length >= HEADER_BYTES && (bytes[2]! & 0x02) !== 0; // TC: it may end in the midst of a record
    return { kind: "failed", code: cut ? "truncated" : "malformed" };
  }
  if (!packet.flag_tc && !isWhole(bytes)) return { kind: "failed", code: "malformed" };
  const [question, ...others] = packet.questions;
  if (packet.type !== "response" || others.length > 0) return { kind: "foreign" };
  if (question?.type !== "PTR" || !sameName(question.name, name)) return { kind: "foreign" };
  if (packet.rcode === "NXDOMAIN") return { kind: "none", ttlMs: negativeTtlMs(packet) };
  if (packet.rcode !== "NOERROR") return { kind: "failed", code: "server-failure" };
  return readNames(packet, name);
}

function readNames(packet: Packet, name: string): PtrAnswer {
  const target = followCnames(packet.answers, name);
  if (target === undefined) return { kind: "failed", code: "malformed" };
  const { owner, ttl } = target;
  const records = packet.answers.filter((answer) => answer.type === "PTR" && sameName(answer.name, owner));
  const names = new Set<string>();
  let ttlSeconds = ttl;
  let refusedNames = 0;
  for (const record of records) {
    if (record.type !== "PTR") continue;
    ttlSeconds = Math.min(ttlSeconds, record.ttl);
    const usable = hostName(record.data);
    if (usable === undefined) refusedNames++;
    else if (names.size < MAX_NAMES) names.add(usable);
  }
  const found: Names | undefined =
    names.size === 0 ? undefined : { kind: "names", names: [...names], ttlMs: ttlSeconds * 1_000, refusedNames };
  if (packet.flag_tc) return { kind: "failed", code: "truncated", ...(found && { partial: found }) };
  if (found !== undefined) return found;
  if (refusedNames > 0) return { kind: "failed", code: "malformed" };
  return { kind: "none", ttlMs: negativeTtlMs(packet) };
}

/** Where the aliases lead; `undefined` for more of them than anyone needs: a loop, or an attempt to keep us busy. */
function followCnames(answers: readonly Answer[], name: string): { owner: string; ttl: number } | undefined {
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let hops = 0; hops <= MAX_CNAMES; hops++) {
    const cname = answers.find((answer) => answer.type === "CNAME" && sameName(answer.name, owner));
    if (cname?.type !== "CNAME") return { owner, ttl };
    owner = cname.data;
    ttl = Math.min(ttl, cname.ttl);
  }
  return undefined;
}

/** RFC 2308 5: the smaller of the SOA record's own TTL and its MINIMUM field. */
function negativeTtlMs(packet: Packet): number | null {
  const soa = packet.authorities.find((record) => record.type === "SOA");
  return soa?.type === "SOA" ? Math.min(soa.ttl, soa.data.minimum) * 1_000 : null;
}

/** Names are compared without regard to case (RFC 4343). */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
