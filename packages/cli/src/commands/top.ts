/** `conntrail top`: who talks to whom, live at a terminal, until `q` or a signal. */
import { compileFilter, compileGroup, isQueryError } from "@conntrail/query";
import { type Connection, painter, type Report } from "@conntrail/report";
import { createReporter, type Explanation } from "@conntrail/reporter";
import { type CollectionOptions, reporterOptions } from "../collection-options.ts";
import { emptyAnswer } from "../empty-answer.ts";
import { whyLines } from "../encode-why.ts";
import { EXPLAIN_BUFFER } from "../explain-buffer.ts";
import { fields } from "../fields.ts";
import { answer, askedQuestion, type Question } from "../question.ts";
import type { QuestionOptions } from "../question-options.ts";
import { stopSignal } from "../stop-signal.ts";
import { terminal } from "../terminal.ts";
import { evidenceLines } from "../top/evidence-lines.ts";
import { frame, GUTTER, pageLines } from "../top/frame.ts";
import { type KeptGroup, KeptGroups } from "../top/kept-groups.ts";
import { filtered, firstState, type Key, pressed, type TopState } from "../top/top-state.ts";
import { typedFilter } from "../top/typed-filter.ts";
import { TopWindow } from "../top/window.ts";

/** What commander parses for it. */
export interface TopCommandOptions extends CollectionOptions, QuestionOptions {
  readonly interval: number;
}

/** Shows reports as they come; keys change what is shown of the latest. */
export async function runTop(options: TopCommandOptions): Promise<void> {
  const question = askedQuestion({ ...options, each: false }, "table", true);
  if (question.grouping === undefined)
    throw new RangeError("top shows groups: it takes no --columns, and sorts by what groups have");
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    throw new RangeError("top needs a terminal; elsewhere use conntrail watch");
  }
  const stop = stopSignal();
  const { logger, ...settings } = reporterOptions(options);
  // On the same screen its lines would stand across the picture.
  const log = process.stderr.isTTY ? {} : { logger: logger! };
  const reporter = createReporter({
    ...settings,
    ...log,
    intervalMs: options.interval,
    explainBuffer: EXPLAIN_BUFFER,
  });
  const top = new Top(question, options, {
    quit: () => void reporter.close(),
    explain: (connection) => reporter.explain(connection),
  });
  stop.addEventListener("abort", () => void reporter.close());
  top.open();
  try {
    for await (const report of reporter) top.take(report);
  } finally {
    await top.close();
    await reporter.close();
  }
}

/** What the screen needs of the reporter. */
interface TopHooks {
  readonly quit: () => void;
  readonly explain: (connection: Connection) => Promise<Explanation | undefined>;
}

class Top {
  #state: TopState;
  #report: Report | undefined;
  /** The latest report as far as it was asked for. */
  #shown: Report | undefined;
  #grouping: NonNullable<Question["grouping"]>;
  #question: Question;
  #connections: readonly Connection[] = [];
  #notice: readonly string[] = [];
  #asked = false;
  #complaint: string | undefined;
  readonly #groups = new KeptGroups();
  readonly #options: CollectionOptions;
  readonly #hooks: TopHooks;
  /** Of the connection that is open; kept until another one is. */
  #why: Explanation | undefined;
  readonly #window = new TopWindow(
    (key) => this.#press(key),
    () => this.#draw(),
  );

  constructor(question: Question, options: CollectionOptions, hooks: TopHooks) {
    this.#question = question;
    this.#grouping = question.grouping!;
    this.#state = firstState(this.#grouping.text, question.groupSort, question.filter?.text ?? "");
    this.#options = options;
    this.#hooks = hooks;
  }

  open(): void {
    this.#window.open();
    this.#draw();
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  take(report: Report): void {
    if (this.#state.paused) return;
    const first = this.#report === undefined;
    const selected = this.#selectedGroup()?.id;
    this.#report = report;
    this.#look(first);
    this.#follow(selected);
    void this.#explainNothing();
    void this.#askWhy();
    this.#draw();
  }

  #press(key: Key): void {
    const before = this.#state;
    this.#complaint = undefined;
    const entered = before.typing !== undefined && (key.name === "return" || key.name === "enter");
    this.#state = entered ? this.#filter(before) : pressed(before, key, this.#lines(), pageLines(this.#window.size));
    if (this.#state.quit) this.#hooks.quit();
    if (this.#state.level === "why" && before.level !== "why") void this.#askWhy();
    if (this.#state.by !== before.by) this.#grouping = compileGroup(this.#state.by, fields());
    if (this.#state.orderings !== before.orderings) this.#look(true);
    else this.#openGroup();
    this.#draw();
  }

  #filter(state: TopState): TopState {
    try {
      const text = typedFilter(state.typing!);
      const filter = text === "" ? undefined : compileFilter(text, fields());
      this.#question = { ...this.#question, filter };
      return filtered(state, text);
    } catch (error) {
      if (!isQueryError(error)) throw error;
      this.#complaint = error.message;
      return state;
    }
  }

  /** Looks at the latest report anew. */
  #look(order: boolean): void {
    if (this.#report === undefined) return;
    this.#shown = answer(this.#report, this.#question);
    const { raw, window } = this.#shown;
    const groups = this.#grouping.sort(this.#grouping.rows(raw, rowsOf(this.#shown), window.start), this.#order());
    if (order) this.#groups.order(groups);
    else this.#groups.take(groups);
    this.#openGroup();
  }

  /** A grouping without that key goes by its first order. */
  #order(): string {
    const [name = ""] = this.#state.sort.split(":");
    const isKey = name === "from" || name === "to" || name.includes(".");
    return isKey && !this.#grouping.keys.includes(name) ? "connections" : this.#state.sort;
  }

  #selectedGroup(): KeptGroup | undefined {
    return this.#groups.rows[this.#state.selected.groups];
  }

  /** The same group stays selected when one above it has gone. */
  #follow(id: string | undefined): void {
    const place = this.#groups.rows.findIndex((row) => row.id === id);
    if (place >= 0) this.#state = { ...this.#state, selected: { ...this.#state.selected, groups: place } };
    this.#openGroup();
  }

  /** Finds the connections of the group that is open. What is looked at stays, though it has left the report. */
  #openGroup(): void {
    const { level, selected } = this.#state;
    const kept = this.#selectedGroup();
    if (level === "groups" || kept === undefined || this.#shown === undefined) {
      this.#connections = [];
      return;
    }
    const before = this.#connections[selected.connections];
    const shown = this.#shown;
    const rows = this.#grouping.members(shown.raw, rowsOf(shown), kept.group.keys);
    const now = rows.map((row) => shown.connection(row)).sort(byBeginning);
    const place = before === undefined ? -1 : now.findIndex((each) => nameOf(each) === nameOf(before));
    if ((level === "evidence" || level === "why") && place < 0) return;
    this.#connections = now;
    const at = place >= 0 ? place : Math.min(selected.connections, Math.max(0, now.length - 1));
    this.#state = { ...this.#state, selected: { ...selected, connections: at } };
  }

  /** Says once why there is nothing. */
  async #explainNothing(): Promise<void> {
    if (this.#asked || this.#report === undefined || this.#report.length > 0) return;
    const { conntrack, sockets } = this.#report.health;
    if (conntrack.reason === "starting" || sockets.reason === "starting") return;
    this.#asked = true;
    this.#notice = (await emptyAnswer(this.#report, 0, this.#options)) ?? [];
    this.#draw();
  }

  /** Asks why the open connection's row says what it says: anew with each report, for facts go on coming. */
  async #askWhy(): Promise<void> {
    const connection = this.#connections[this.#state.selected.connections];
    if (this.#state.level !== "why" || connection === undefined || this.#state.quit) return;
    if (this.#why?.connection.id !== connection.id) this.#why = undefined;
    try {
      this.#why = await this.#hooks.explain(connection);
    } catch (error) {
      this.#complaint = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  #whyLines(): readonly string[] | undefined {
    if (this.#state.level !== "why" || this.#why === undefined) return undefined;
    return whyLines(this.#why, this.#window.size.columns - GUTTER, painter(terminal().color === true));
  }

  #lines(): number {
    const { level, selected } = this.#state;
    if (level === "groups") return this.#groups.rows.length;
    const connection = this.#connections[selected.connections];
    if (level === "connections" || connection === undefined) return this.#connections.length;
    if (level === "why") return Math.max(1, (this.#whyLines()?.length ?? 0) - pageLines(this.#window.size) + 1);
    return evidenceLines(connection).length;
  }

  #draw(): void {
    const scene = {
      state: this.#state,
      report: this.#report,
      grouping: this.#grouping,
      groups: this.#groups.rows,
      connections: this.#connections,
      why: this.#whyLines(),
      notice: this.#report !== undefined && this.#report.length > 0 ? NOTHING_LEFT : this.#notice,
      complaint: this.#complaint,
    };
    this.#window.draw(frame(scene, this.#window.size, painter(terminal().color === true)));
  }
}

/** The oldest first, so that new ones come last. */
function byBeginning(a: Connection, b: Connection): number {
  return a.firstSeenMs - b.firstSeenMs || (nameOf(a) < nameOf(b) ? -1 : 1);
}

/** What tells a connection from others of its time. */
function nameOf({ protocol, netns, from, to }: Connection): string {
  return [protocol, netns, from.address, from.port, to.address, to.port].join(" ");
}

const NOTHING_LEFT = ["Nothing that was asked for; / changes the filter."];

function rowsOf({ length }: Report): number[] {
  return Array.from({ length }, (_, row) => row);
}
