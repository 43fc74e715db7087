/** Numbers of `linux/bpf_common.h` and `linux/filter.h`: classic BPF. */

/** Instruction codes, class and mode together. */
export const BPF = {
  loadImmediate: 0x00, // BPF_LD | BPF_IMM: A = k
  loadWord: 0x20, // BPF_LD | BPF_W | BPF_ABS: A = u32 at k, from network order; also the extensions
  loadHalf: 0x28, // BPF_LD | BPF_H | BPF_ABS: A = u16 at k, from network order
  loadByte: 0x30, // BPF_LD | BPF_B | BPF_ABS: A = byte at k
  loadHalfIndexed: 0x48, // BPF_LD | BPF_H | BPF_IND: A = u16 at X + k, from network order
  loadByteIndexed: 0x50, // BPF_LD | BPF_B | BPF_IND: A = byte at X + k
  loadMemory: 0x60, // BPF_LD | BPF_MEM: A = M[k]
  indexImmediate: 0x01, // BPF_LDX | BPF_IMM: X = k
  store: 0x02, // BPF_ST: M[k] = A
  jump: 0x05, // BPF_JMP | BPF_JA
  jumpEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K: A == k
  jumpAnyBit: 0x45, // BPF_JMP | BPF_JSET | BPF_K: A & k
  return: 0x06, // BPF_RET | BPF_K: keep k bytes, 0 drops
  toIndex: 0x07, // BPF_MISC | BPF_TAX: X = A
} as const;

/** Extensions that find netlink attributes, as `k` of `loadWord`: A = offset of the attribute of type X, 0 when there is none. */
export const SKF_AD = {
  attribute: 0xfffff00c, // SKF_AD_OFF + SKF_AD_NLATTR: searched from offset A on
  nestedAttribute: 0xfffff010, // SKF_AD_OFF + SKF_AD_NLATTR_NEST: searched inside the attribute at offset A
} as const;
