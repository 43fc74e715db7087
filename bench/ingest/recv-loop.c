/*
 * The yardstick: joins the three conntrack groups, calls recv() once per event and counts. No decoding, no table. Prints a line when it is
 * subscribed; ends on SIGTERM, or when nothing came for a second after something did, with one line of JSON.
 *
 *     cc -O2 -o recv-loop recv-loop.c && ./recv-loop BUFFER_BYTES
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile sig_atomic_t stop;
static void on_signal(int signal) { (void)signal; stop = 1; }

int main(int argc, char **argv) {
  int buffer = argc > 1 ? atoi(argv[1]) / 2 : 16 << 20; /* the kernel doubles it */
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  int groups[] = {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY};
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("socket"), 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  for (int i = 0; i < 3; i++)
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) < 0) return perror("join"), 1;
  struct timeval second = {.tv_sec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  puts("{\"ready\":\"recv-loop\"}");
  fflush(stdout);

  static char message[65536];
  long events = 0, overruns = 0;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  while (!stop) {
    ssize_t bytes = recv(fd, message, sizeof message, 0);
    if (bytes > 0) events++;
    else if (errno == ENOBUFS) overruns++;
    else if (errno == EAGAIN && events > 0) break;
  }
  getrusage(RUSAGE_SELF, &after);
#define MICROS(t) ((t).tv_sec * 1000000L + (t).tv_usec)
  long cpu = MICROS(after.ru_utime) + MICROS(after.ru_stime) - MICROS(before.ru_utime) - MICROS(before.ru_stime);
  printf("{\"events\":%ld,\"overruns\":%ld,\"cpuMicros\":%ld}\n", events, overruns, cpu);
  return 0;
}
