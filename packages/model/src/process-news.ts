/** What the trace hears of processes, for whoever keeps a list of them: which ones to look at again. Source: the records FORK, EXIT, COMM and NAMESPACES of perf_event_open(2). */

/** What happened to a process: bits. */
export const PROCESS_NEWS = {
  born: 1,
  ended: 2, // its first thread did; others may be left, and /proc may show it for a while
  program: 4, // it runs another program: execve(2)
  moved: 8, // its first thread went into other namespaces: setns(2), unshare(2)
  renamed: 16, // it took another name: prctl(2)
  threads: 32, // a thread beside the first one was born, has ended or went into other namespaces
} as const;

/** By pid: a sum of PROCESS_NEWS. Of a process that is not in it nothing was heard. */
export type ProcessNews = ReadonlyMap<number, number>;
