/*
 * The yardstick: the same tracepoint on every processor, every ring emptied each 20 ms, each record made whole and decoded: of a change of state who ran, when, in which
 * control group, the socket, its states, ports and addresses; of COMM the name, of NAMESPACES the network namespace. No process table, no join. Prints a line when it listens;
 * ends on SIGTERM with one line of JSON.
 *
 *     cc -O2 -o probe probe.c && ./probe [WORD...]
 *
 * Each word asks the kernel for less or more, to see what costs what: `nothing` (no hit passes the filter), `all` (every one does), `alone` (no records of processes),
 * `no-cgroup`, `senders` (look-ups of routes too, for senders of datagrams).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 256
#define STATES "protocol==6 && ((oldstate==7 && newstate==2) || oldstate==2 || newstate==4 || newstate==9)"
#define DATAGRAMS "proto==17 && sport!=0 && dport!=0 && !(common_flags & 24)"

/* The raw data of sock:inet_sock_set_state since Linux 5.6. */
struct state {
  uint16_t type;
  uint8_t flags, preempted;
  int32_t pid;
  uint64_t socket;
  int32_t old_state, new_state;
  uint16_t local_port, remote_port, family, protocol;
  uint8_t local4[4], remote4[4];
  uint64_t local[2], remote[2];
} __attribute__((packed));

static volatile sig_atomic_t stop;
static void on_signal(int signal) { (void)signal; stop = 1; }

static int has(int count, char **words, const char *word) {
  for (int i = 1; i < count; i++) if (strcmp(words[i], word) == 0) return 1;
  return 0;
}

/* The number of a tracepoint, from a tracefs that is mounted nowhere: fsopen(2), fsconfig(2), fsmount(2). */
static int tracepoint(const char *event) {
  int context = syscall(430, "tracefs", 1);
  syscall(431, context, 6, 0, 0, 0);
  int root = syscall(432, context, 1, 0);
  char path[128], text[32] = {0};
  snprintf(path, sizeof path, "events/%s/id", event);
  int file = openat(root, path, O_RDONLY);
  return read(file, text, sizeof text - 1) > 0 ? atoi(text) : -1;
}

static int listen_to(struct perf_event_attr *attributes, int processor, const char *filter) {
  int fd = syscall(SYS_perf_event_open, attributes, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) < 0) {
    perror("perf_event_open");
    exit(1);
  }
  return fd;
}

/* What was decoded, so that nothing of it is left out by the compiler. */
static volatile uint64_t seen;

static void decode_sample(const char *record, int has_cgroup) {
  const uint32_t *words = (const uint32_t *)(record + 8);
  uint32_t raw_size = words[4];
  struct state state;
  memcpy(&state, words + 5, raw_size < sizeof state ? raw_size : sizeof state);
  uint64_t time, cgroup = 0;
  memcpy(&time, words + 2, sizeof time);
  if (has_cgroup) memcpy(&cgroup, (const char *)(words + 5) + raw_size, sizeof cgroup);
  int interrupted = (state.flags & 0x18) != 0;
  seen += words[0] + words[1] + time + cgroup + state.socket + state.old_state + state.new_state + interrupted;
  seen += ((uint32_t)state.local_port << 16 | state.remote_port) + state.family + state.protocol;
  seen += state.local[0] + state.local[1] + state.remote[0] + state.remote[1];
}

static void decode_process(const char *record, int type) {
  const uint32_t *words = (const uint32_t *)(record + 8);
  char name[16] = {0};
  if (type == PERF_RECORD_COMM) memcpy(name, words + 2, sizeof name - 1);
  seen += words[0] + words[1] + (type == PERF_RECORD_NAMESPACES ? words[6] : 0) + strlen(name);
}

int main(int count, char **words) {
  int processors = sysconf(_SC_NPROCESSORS_ONLN), fds[256], further[512], furthers = 0;
  int has_cgroup = !has(count, words, "no-cgroup");
  const char *filter = has(count, words, "nothing") ? "protocol==99" : has(count, words, "all") ? "protocol==6" : STATES;
  void *maps[256];
  struct perf_event_attr attributes = {.size = sizeof attributes, .type = PERF_TYPE_TRACEPOINT, .sample_period = 1};
  attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW | (has_cgroup ? PERF_SAMPLE_CGROUP : 0);
  attributes.use_clockid = attributes.disabled = attributes.sample_id_all = attributes.watermark = 1;
  attributes.wakeup_watermark = PAGES * 4096 / 8;
  attributes.clockid = 1; /* CLOCK_MONOTONIC */
  struct perf_event_attr first = attributes;
  first.config = tracepoint("sock/inet_sock_set_state");
  if (!has(count, words, "alone")) first.comm = first.comm_exec = first.task = first.namespaces = 1;
  for (int i = 0; i < processors; i++) {
    fds[i] = listen_to(&first, i, filter);
    maps[i] = mmap(0, (PAGES + 1) * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
    if (maps[i] == MAP_FAILED) return perror("mmap"), 1;
    if (!has(count, words, "senders")) continue;
    for (int family = 0; family < 2; family++) {
      attributes.config = tracepoint(family ? "fib6/fib6_table_lookup" : "fib/fib_table_lookup");
      int fd = further[furthers++] = listen_to(&attributes, i, DATAGRAMS);
      if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, fds[i]) < 0) return perror("PERF_EVENT_IOC_SET_OUTPUT"), 1;
    }
  }
  for (int i = 0; i < processors; i++) ioctl(fds[i], PERF_EVENT_IOC_ENABLE, 0);
  for (int i = 0; i < furthers; i++) ioctl(further[i], PERF_EVENT_IOC_ENABLE, 0);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  puts("{\"ready\":\"probe\"}");
  fflush(stdout);

  static char record[65536];
  long events = 0, lost = 0;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  while (!stop) {
    usleep(20000);
    for (int i = 0; i < processors; i++) {
      struct perf_event_mmap_page *page = maps[i];
      uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail, size = page->data_size;
      char *data = (char *)maps[i] + page->data_offset;
      while (tail < head) {
        struct perf_event_header *header = (void *)(data + tail % size);
        size_t length = header->size, whole = size - tail % size < length ? size - tail % size : length;
        memcpy(record, data + tail % size, whole);
        memcpy(record + whole, data, length - whole);
        uint32_t type = ((struct perf_event_header *)record)->type;
        if (type == PERF_RECORD_SAMPLE) decode_sample(record, has_cgroup);
        else if (type == PERF_RECORD_LOST) lost += ((uint64_t *)record)[2];
        else decode_process(record, type);
        events++;
        tail += length;
      }
      __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
    }
  }
  getrusage(RUSAGE_SELF, &after);
#define MICROS(t) ((t).tv_sec * 1000000L + (t).tv_usec)
  long cpu = MICROS(after.ru_utime) + MICROS(after.ru_stime) - MICROS(before.ru_utime) - MICROS(before.ru_stime);
  printf("{\"events\":%ld,\"lost\":%ld,\"cpuMicros\":%ld}\n", events, lost, cpu);
  return 0;
}
