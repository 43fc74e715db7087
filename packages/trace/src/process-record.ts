/**
 * The records of a ring that tell of processes (`enum perf_event_type` in linux/perf_event.h): FORK, EXIT, COMM, NAMESPACES and CGROUP. Each
 * ends in `struct sample_id`: pid u32, tid u32, time u64. Decoded into one object that is filled again and again.
 */
import { DecodeError } from "@conntrail/netlink";
import { HEADER_BYTES, PERF_RECORD, PERF_RECORD_MISC_COMM_EXEC } from "./perf/perf-enum.ts";

/** Bytes of `struct sample_id` with PERF_SAMPLE_TID and PERF_SAMPLE_TIME. */
const SAMPLE_ID_BYTES = 16;

/** `link_info[NET_NS_INDEX]` of a NAMESPACES record is the network namespace. */
const NET_NS_INDEX = 0;

/** Bytes of `struct perf_ns_link_info`: device u64, inode u64. */
const LINK_BYTES = 16;

const decoder = new TextDecoder();

/** Decodes records. What it decoded last is in its members; which of them mean something depends on the type. */
export class ProcessRecord {
  /** FORK: the new one; EXIT: the one that ends; COMM, NAMESPACES: whose it is. */
  pid = 0;
  tid = 0;
  /** FORK, EXIT: the parent. */
  ppid = 0;
  ptid = 0;
  timeNs = 0;
  /** COMM: the name, at most 15 bytes. CGROUP: the path below the mount. */
  text = "";
  /** COMM: because of execve(2). */
  isExec = false;
  /** NAMESPACES: inode of the network namespace; 0 when it is not told. */
  netns = 0;
  /** CGROUP: the group's id. */
  cgroup = 0;
  /** LOST: how many records. */
  lost = 0;

  /** Takes the record of `type`, `sizeBytes` bytes at word `at`. False for a type that means nothing to us. Throws DecodeError. */
  read(type: number, words: Uint32Array, at: number, sizeBytes: number): boolean {
    const bodyBytes = sizeBytes - HEADER_BYTES - SAMPLE_ID_BYTES;
    const body = at + 2;
    const end = at + (sizeBytes >>> 2);
    if (bodyBytes < 0) throw tooShort(type, at, sizeBytes);
    this.timeNs = words[end - 2]! + words[end - 1]! * 0x1_0000_0000;
    switch (type) {
      case PERF_RECORD.fork:
      case PERF_RECORD.exit:
        need(bodyBytes, 24, type, at, sizeBytes);
        this.pid = words[body]!;
        this.ppid = words[body + 1]!;
        this.tid = words[body + 2]!;
        this.ptid = words[body + 3]!;
        return true;
      case PERF_RECORD.comm:
        need(bodyBytes, 16, type, at, sizeBytes);
        this.pid = words[body]!;
        this.tid = words[body + 1]!;
        this.isExec = (words[at + 1]! & 0xffff & PERF_RECORD_MISC_COMM_EXEC) !== 0;
        this.text = textAt(words, body + 2, bodyBytes - 8);
        return true;
      case PERF_RECORD.namespaces:
        need(bodyBytes, 16, type, at, sizeBytes);
        this.pid = words[body]!;
        this.tid = words[body + 1]!;
        this.#readNetns(words, body + 2, bodyBytes - 8);
        return true;
      case PERF_RECORD.cgroup:
        need(bodyBytes, 16, type, at, sizeBytes);
        this.cgroup = words[body]! + (words[body + 1]! & 0x1f_ffff) * 0x1_0000_0000;
        this.text = textAt(words, body + 2, bodyBytes - 8);
        return true;
      case PERF_RECORD.lost:
        need(bodyBytes, 16, type, at, sizeBytes);
        this.lost = words[body + 2]! + (words[body + 3]! & 0x1f_ffff) * 0x1_0000_0000;
        return true;
      default:
        return false;
    }
  }

  #readNetns(words: Uint32Array, at: number, bytes: number): void {
    const links = words[at]!;
    const held = Math.floor((bytes - 8) / LINK_BYTES);
    this.netns = NET_NS_INDEX < Math.min(links, held) ? words[at + 4 + NET_NS_INDEX * 4]! : 0;
  }
}

/** Text up to its first zero byte. */
function textAt(words: Uint32Array, at: number, bytes: number): string {
  const view = new Uint8Array(words.buffer, words.byteOffset + at * 4, bytes);
  const end = view.indexOf(0);
  // A copy: TextDecoder refuses memory that it does not know.
  return decoder.decode(Uint8Array.from(view.subarray(0, end < 0 ? bytes : end)));
}

function need(bodyBytes: number, least: number, type: number, at: number, sizeBytes: number): void {
  if (bodyBytes < least) throw tooShort(type, at, sizeBytes);
}

function tooShort(type: number, at: number, sizeBytes: number): DecodeError {
  return new DecodeError("truncated", at * 4, "record", `type ${type} has only ${sizeBytes} bytes`);
}
