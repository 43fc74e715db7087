/** What was told of processes since the last scan, as far as somebody tells: while nothing is missing, only these processes are looked at. */
import type { ProcessNews } from "@conntrail/model";

/** One per scanner. */
export class ToldProcesses {
  #news: Map<number, number> | undefined;
  /** The next scan was told of what came before it. */
  #isUpToDate = false;

  /** Takes what was told since the last call; what came before a scan that was not made is not forgotten. `undefined`: something may be missing. */
  take(news: ProcessNews | undefined): void {
    this.#isUpToDate = news !== undefined;
    if (news === undefined) this.#news = undefined;
    else for (const [pid, bits] of news) this.#news?.set(pid, (this.#news.get(pid) ?? 0) | bits);
  }

  /** A scan begins: what it has to look at; `undefined` for everything. */
  begin(): ProcessNews | undefined {
    const news = this.#isUpToDate ? this.#news : undefined;
    this.#news = new Map();
    this.#isUpToDate = false;
    return news;
  }
}
