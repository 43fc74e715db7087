/**
 * What the rings told of processes since somebody last asked, for those who keep lists of their own: which processes to look at again, and which network namespaces
 * were entered. Undefined means that something may be missing: after the start, after a loss, when it was too much to keep.
 */
import { PROCESS_NEWS, type ProcessNews } from "@conntrail/model";
import { PERF_RECORD } from "./perf/perf-enum.ts";
import type { ProcessRecord } from "./process-record.ts";

/** Processes remembered until somebody asks. Where there are more, to look at all of them is no dearer. */
const MOST_NEWS = 32_768;

/** One per trace. */
export class HeardProcesses {
  #entered: Set<number> | undefined;
  #news: Map<number, number> | undefined;

  /** Takes a record that tells of a process. */
  take(type: number, { pid, tid, isExec, netns }: ProcessRecord): void {
    const isFirst = pid === tid;
    if (type === PERF_RECORD.fork) {
      this.#add(pid, isFirst ? PROCESS_NEWS.born : PROCESS_NEWS.threads);
    } else if (type === PERF_RECORD.exit) {
      this.#add(pid, isFirst ? PROCESS_NEWS.ended : PROCESS_NEWS.threads);
    } else if (type === PERF_RECORD.namespaces) {
      this.#entered?.add(netns);
      this.#add(pid, isFirst ? PROCESS_NEWS.moved : PROCESS_NEWS.threads);
    } else if (type === PERF_RECORD.comm && isFirst) {
      this.#add(pid, isExec ? PROCESS_NEWS.program : PROCESS_NEWS.renamed);
    }
  }

  /** Something may be missing. */
  forget(): void {
    this.#entered = undefined;
    this.#news = undefined;
  }

  /** Network namespaces, by inode, that a process was born in or has entered since the last call: a namespace begins with one. `listens`: from now on everything is heard. */
  takeEntered(listens: boolean): ReadonlySet<number> | undefined {
    const entered = this.#entered;
    this.#entered = listens ? new Set() : undefined;
    return entered;
  }

  /** The processes that something was heard of since the last call. `listens` as above. */
  takeNews(listens: boolean): ProcessNews | undefined {
    const news = this.#news;
    this.#news = listens ? new Map() : undefined;
    return news;
  }

  #add(pid: number, news: number): void {
    if (this.#news === undefined) return;
    this.#news.set(pid, (this.#news.get(pid) ?? 0) | news);
    if (this.#news.size > MOST_NEWS) this.#news = undefined;
  }
}
