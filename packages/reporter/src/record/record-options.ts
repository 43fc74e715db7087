/** What a recording can be told, and what it tells while it runs. */

/** Options of a recording. */
export interface RecordOptions {
  /** The file. With rotation, files are numbered before the suffix: `x.pcapng` becomes `x-00001.pcapng`, and so on. */
  readonly path: string;
  /** gzip, as it is written. Default false. */
  readonly compress?: boolean;
  /** Begin a new file when one has reached so many bytes, at least 65,536. Default: never. */
  readonly rotateBytes?: number;
  /** Begin a new file after so many milliseconds. Default: never. */
  readonly rotateMs?: number;
  /** Told of the recording's state with every report and at its end, on the host thread. */
  readonly onProgress?: (progress: RecordProgress) => void;
}

/** The part that crosses into the pipeline worker. */
export type RecordSettings = Omit<RecordOptions, "onProgress">;

/** What a recording has come to. */
export interface RecordProgress {
  /** Netlink messages or datagrams, and records of what is not netlink. */
  readonly packets: number;
  readonly records: number;
  /** What did not fit while the disk, or the recorder, was slow. The file says so where it is missing. */
  readonly dropped: number;
  readonly files: number;
  readonly bytes: number;
  /** Why nothing more is recorded; null while all is well. The reporter goes on without. */
  readonly failure: string | null;
}
