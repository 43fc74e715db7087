/** A word for each member of a connection that may change: the same content gives the same word, whichever snapshot it stands in. FNV-1a over the words of the columns. */
import { ADDRESS_WORDS, CONNECTION_FLAG, type ConnectionColumns, type Owner, type Snapshot } from "@conntrail/model";
import { TOLD_WORDS } from "./told-connections.ts";

/** Columns that are told with a change and are none by themselves: that a connection still lives, how much it has sent, and how its socket fares. */
const SILENT = new Set([
  "id",
  "lastSeenMs",
  "originalPackets",
  "originalBytes",
  "replyPackets",
  "replyBytes",
  "exact",
  "status",
  "tcp",
]);

/** Columns with a member of their own. */
const APART = new Set([
  "state",
  "evidence",
  "confidence",
  "fromOwner",
  "toOwner",
  "fromReason",
  "toReason",
  "fromNames",
  "toNames",
  "fromDevice",
  "toDevice",
  "via",
  "master",
  "flags",
]);

const ADDRESSES = new Set(["originalSource", "originalDestination", "replySource", "replyDestination"]);
const TRACED = CONNECTION_FLAG.fromTraced | CONNECTION_FLAG.toTraced;

/** The words of all connections of a snapshot, TOLD_WORDS each: state, direction, owners, names, the rest. */
export function memberWords({ columns, owners, names, devices = [], masters = [] }: Snapshot): Uint32Array {
  const words = new Uint32Array(columns.length * TOLD_WORDS);
  const owner = wordsOf(owners, ownerWord);
  const device = wordsOf(devices, textWord);
  const name = wordsOf(names, (each) => textWord(each.join()));
  for (let row = 0, at = 0; row < columns.length; row++, at += TOLD_WORDS) {
    words[at] = columns.state[row]!;
    words[at + 1] = (columns.evidence[row]! << 8) | columns.confidence[row]!;
    const traced = columns.flags[row]! & TRACED;
    const reasons = (columns.fromReason[row]! << 24) | (columns.toReason[row]! << 16) | traced;
    words[at + 2] = mix(mix(mix(START, reasons), owner(columns.fromOwner[row]!)), owner(columns.toOwner[row]!));
    words[at + 2] = mix(words[at + 2]!, owner(columns.via[row]!));
    words[at + 3] = mix(mix(START, name(columns.fromNames[row]!)), name(columns.toNames[row]!));
    const announced = columns.master[row] === 0 ? 0 : (masters[columns.master[row]! - 1]?.id ?? 0);
    const bound = mix(mix(START, device(columns.fromDevice[row]!)), device(columns.toDevice[row]!));
    words[at + 4] = mix(mix(bound, announced), columns.flags[row]! & ~TRACED);
  }
  for (const [column, width] of otherColumns(columns)) mixColumn(words, column, columns.length, width);
  return words;
}

const START = 0x811c9dc5;

function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
}

/** All columns that nothing above has read, so that a new one is not forgotten. */
function otherColumns(columns: ConnectionColumns): [Uint32Array | Uint16Array | Uint8Array, number][] {
  return Object.entries(columns).flatMap(([name, column]): [Uint32Array | Uint16Array | Uint8Array, number][] => {
    if (typeof column === "number" || SILENT.has(name) || APART.has(name)) return [];
    const view = column as Uint32Array | Uint16Array | Uint8Array | Float64Array;
    if (view instanceof Float64Array) return [[new Uint32Array(view.buffer, view.byteOffset, view.length * 2), 2]];
    return [[view, ADDRESSES.has(name) ? ADDRESS_WORDS : 1]];
  });
}

function mixColumn(
  words: Uint32Array,
  column: Uint32Array | Uint16Array | Uint8Array,
  length: number,
  width: number,
): void {
  for (let row = 0, at = 4, from = 0; row < length; row++, at += TOLD_WORDS) {
    let hash = words[at]!;
    for (let word = 0; word < width; word++) hash = mix(hash, column[from++]!);
    words[at] = hash;
  }
}

/** Reads the word of a place in a list (1-based; 0 for none), each reckoned once. */
function wordsOf<T>(list: readonly T[], word: (value: T) => number): (place: number) => number {
  const known = new Map<number, number>();
  return (place) => {
    if (place === 0) return 0;
    let found = known.get(place);
    if (found === undefined) {
      found = word(list[place - 1]!);
      known.set(place, found);
    }
    return found;
  };
}

/** What is known of a process does not change in its object: another look at it makes another one. */
const OWNER_WORDS = new WeakMap<Owner, number>();

function ownerWord(owner: Owner): number {
  let word = OWNER_WORDS.get(owner);
  if (word === undefined) {
    word = textWord(JSON.stringify(owner));
    OWNER_WORDS.set(owner, word);
  }
  return word;
}

function textWord(text: string): number {
  let hash = START;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash === 0 ? 1 : hash;
}
