/** The row or the ends that somebody asks about: a row's number; an address, a name or a pid, with a port if wanted; real or visible, whichever way round. */
import { formatAddress, parseAddress } from "@conntrail/model";
import type { Connection, End } from "@conntrail/report";

/** One end as it was asked for. What is undefined may be anything. */
export interface AskedEnd {
  /** A row's number, as reports tell it: not an end, but all of it. */
  readonly id?: number;
  readonly address?: string;
  readonly pid?: number;
  /** A process, or (a part of) a name of its address. */
  readonly name?: string;
  readonly port?: number;
}

/** An end from `id:42` (the row itself), `10.0.0.1`, `10.0.0.1:80`, `[fd00::1]:80`, `:80`, `curl`, `shop.example:443`, `pid:4711` or `4711`. Undefined for nothing of the kind. */
export function parseAskedEnd(text: string): AskedEnd | undefined {
  const [, id] = /^id:(\d{1,15})$/.exec(text) ?? [];
  if (id !== undefined) return { id: Number(id) };
  const [, pid] = /^(?:pid:)?(\d{1,9})$/.exec(text) ?? [];
  if (pid !== undefined) return { pid: Number(pid) };
  const whole = addressOf(text);
  if (whole !== undefined) return { address: whole };
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^\s:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const words = bracketed ?? plain;
  if (words === undefined || (port !== undefined && Number(port) > 65_535)) return undefined;
  const own = words === "" ? {} : withPort(words, bracketed !== undefined);
  if (own === undefined || (words === "" && port === undefined)) return undefined;
  return { ...own, ...(port !== undefined && { port: Number(port) }) };
}

function withPort(words: string, bracketed: boolean): AskedEnd | undefined {
  const address = addressOf(words);
  if (address !== undefined) return { address };
  return bracketed ? undefined : { name: words };
}

function addressOf(text: string): string | undefined {
  const words = parseAddress(text);
  return words === undefined ? undefined : formatAddress(words);
}

/** True for a connection between these ends, whichever opened it; without a second one, for every connection of the first. */
export function isAsked(connection: Connection, one: AskedEnd, other: AskedEnd | undefined): boolean {
  if (one.id !== undefined && one.id !== connection.id) return false;
  const { from, to } = connection;
  const seen = connection.nat?.visible;
  const isFrom = (asked: AskedEnd): boolean => isEnd(asked, from, seen?.from);
  const isTo = (asked: AskedEnd): boolean => isEnd(asked, to, seen?.to);
  if (other === undefined) return isFrom(one) || isTo(one);
  return (isFrom(one) && isTo(other)) || (isTo(one) && isFrom(other));
}

function isEnd(asked: AskedEnd, end: End, visible: { address: string; port: number } | undefined): boolean {
  const { name } = asked;
  if (asked.pid !== undefined && end.pid !== asked.pid) return false;
  if (name !== undefined && end.process !== name && !end.names.some((each) => each.includes(name))) return false;
  return [end, visible].some(
    (place) =>
      place !== undefined &&
      (asked.address === undefined || place.address === asked.address) &&
      (asked.port === undefined || place.port === asked.port),
  );
}
