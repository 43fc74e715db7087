/** What is on the screen, and what each key changes: no terminal, no clock, no report. */

/** Orders that `s` goes through. */
const ORDERS = ["connections", "failed", "bytes", "opened", "last", "from", "to"] as const;

/** Groupings that `b` goes through. */
const GROUPINGS = ["process,service", "name,service", "container,service", "address,to.port"] as const;

/** What is shown, each opened from the one before: groups, the connections of one, all that is known of one connection, and why. */
const LEVELS = ["groups", "connections", "evidence", "why"] as const;
type Level = (typeof LEVELS)[number];

/** The state of the screen. */
export interface TopState {
  readonly level: Level;
  /** Selected line of each level. */
  readonly selected: Readonly<Record<Level, number>>;
  readonly by: string;
  readonly sort: string;
  /** The filter in force; empty: none. */
  readonly filter: string;
  /** What is being typed; undefined: keys are commands. */
  readonly typing: string | undefined;
  readonly paused: boolean;
  readonly help: boolean;
  /** Says that the order is to be made anew; counts up. */
  readonly orderings: number;
  readonly quit: boolean;
}

/** A key as node:readline tells it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/** The first screen. */
export function firstState(by: string, sort: string | undefined, filter: string): TopState {
  return {
    level: "groups",
    selected: { groups: 0, connections: 0, evidence: 0, why: 0 },
    by,
    sort: sort ?? ORDERS[0],
    filter,
    typing: undefined,
    paused: false,
    help: false,
    orderings: 0,
    quit: false,
  };
}

/** The state after a key. `lines`: how many the present level has; `page`: how many are seen at once. */
export function pressed(state: TopState, key: Key, lines: number, page: number): TopState {
  if (key.ctrl === true && key.name === "c") return { ...state, quit: true };
  if (state.typing !== undefined) return typed(state, state.typing, key);
  if (state.help) return { ...state, help: false };
  const move = (by: number): TopState => moved(state, state.selected[state.level] + by, lines);
  switch (key.name ?? key.sequence) {
    case "q":
      return { ...state, quit: true };
    case "up":
    case "k":
      return move(-1);
    case "down":
    case "j":
      return move(1);
    case "pageup":
      return move(-page);
    case "pagedown":
      return move(page);
    case "home":
      return moved(state, 0, lines);
    case "end":
      return moved(state, lines - 1, lines);
    case "return":
    case "right":
      return lines === 0 ? state : opened(state);
    case "escape":
    case "left":
    case "backspace":
      return closed(state);
    case "space":
    case "p":
      return { ...state, paused: !state.paused };
    case "s":
      return reordered({ ...state, sort: following(ORDERS, state.sort) });
    case "b":
      return reordered({ ...state, by: following(GROUPINGS, state.by), level: "groups" });
    case "r":
      return reordered(state);
    case "h":
      return { ...state, help: true };
    default:
      if (key.sequence === "/") return { ...state, typing: state.filter };
      return key.sequence === "?" ? { ...state, help: true } : state;
  }
}

/** The state with the filter that was typed in force. */
export function filtered(state: TopState, filter: string): TopState {
  return reordered({ ...state, filter, typing: undefined, level: "groups" });
}

/** Selects a line that exists. */
function moved(state: TopState, line: number, lines: number): TopState {
  const selected = Math.max(0, Math.min(lines - 1, line));
  return { ...state, selected: { ...state.selected, [state.level]: selected } };
}

/** Enter is the caller's: only there it is known whether the filter is one. */
function typed(state: TopState, text: string, { name, sequence = "", ctrl }: Key): TopState {
  if (name === "escape") return { ...state, typing: undefined };
  if (name === "backspace") return { ...state, typing: [...text].slice(0, -1).join("") };
  if (ctrl === true && name === "u") return { ...state, typing: "" };
  return ctrl === true || !isText(sequence) ? state : { ...state, typing: text + sequence };
}

function isText(sequence: string): boolean {
  return sequence !== "" && !/[\p{Cc}\p{Cs}]/u.test(sequence);
}

function opened(state: TopState): TopState {
  const level = LEVELS[LEVELS.indexOf(state.level) + 1];
  if (level === undefined) return state;
  return { ...state, level, selected: { ...state.selected, [level]: 0 } };
}

function closed(state: TopState): TopState {
  return { ...state, level: LEVELS[Math.max(0, LEVELS.indexOf(state.level) - 1)]! };
}

function reordered(state: TopState): TopState {
  return { ...state, orderings: state.orderings + 1, selected: { ...state.selected, groups: 0 } };
}

/** The one after; what is none of them is followed by the first. */
function following(list: readonly string[], now: string): string {
  return list[(list.indexOf(now) + 1) % list.length]!;
}
