/** DNS messages byte by byte, RFC 1035 4: what a server reads of a question and writes as its answer, without the library that the resolver uses. */

/** Record types and codes, IANA "DNS Parameters". */
const TYPE = { cname: 5, soa: 6, ptr: 12 } as const;
const CLASS_IN = 1;
export const RCODE = { noError: 0, serverFailure: 2, nxDomain: 3, refused: 5 } as const;
const FLAG = { response: 0x8000, truncated: 0x0200, recursion: 0x0180 } as const;

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
}

type Rdata =
  | { readonly ptr: string; readonly ttl: number; readonly owner?: string }
  | { readonly cname: string; readonly ttl: number; readonly owner?: string };

export interface Answer {
  readonly rcode?: number;
  readonly answers?: readonly Rdata[];
  readonly soa?: { readonly ttl: number; readonly minimum: number };
  readonly truncated?: boolean;
}

/** Reads the one question of a query. */
export function readQuestion(bytes: Uint8Array): Question {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const labels: string[] = [];
  let at = 12;
  for (let length = bytes[at]!; length !== 0; length = bytes[at]!) {
    labels.push(Buffer.from(bytes.subarray(at + 1, at + 1 + length)).toString("latin1"));
    at += 1 + length;
  }
  return { id: view.getUint16(0), flags: view.getUint16(2), name: labels.join("."), type: view.getUint16(at + 1) };
}

/** Writes the answer to a question; an empty one says that the name has no such record. */
export function writeAnswer(question: Question, answer: Answer): Uint8Array {
  const { rcode = RCODE.noError, answers = [], soa, truncated = false } = answer;
  const flags = FLAG.response | FLAG.recursion | (truncated ? FLAG.truncated : 0) | rcode;
  return Buffer.concat([
    words(question.id, flags, 1, answers.length, soa === undefined ? 0 : 1, 0),
    nameBytes(question.name),
    words(question.type, CLASS_IN),
    ...answers.map((data) =>
      "ptr" in data
        ? record(data.owner ?? question.name, TYPE.ptr, data.ttl, nameBytes(data.ptr))
        : record(data.owner ?? question.name, TYPE.cname, data.ttl, nameBytes(data.cname)),
    ),
    ...(soa === undefined ? [] : [record("arpa", TYPE.soa, soa.ttl, soaBytes(soa.minimum))]),
  ]);
}

function record(owner: string, type: number, ttl: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([nameBytes(owner), words(type, CLASS_IN, ttl >>> 16, ttl & 0xffff, data.length), data]);
}

function soaBytes(minimum: number): Uint8Array {
  const [serial, refresh, retry, expire] = [1, 1, 1, 1];
  const numbers = [serial, refresh, retry, expire, minimum].flatMap((value) => [value >>> 16, value & 0xffff]);
  return Buffer.concat([nameBytes("ns.test"), nameBytes("admin.test"), words(...numbers)]);
}

function nameBytes(name: string): Uint8Array {
  const labels = name
    .split(".")
    .map((label) => Buffer.concat([Uint8Array.of(label.length), Buffer.from(label, "latin1")]));
  return Buffer.concat([...labels, Uint8Array.of(0)]);
}

function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 0xff]));
}
