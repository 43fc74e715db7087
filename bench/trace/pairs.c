/*
 * The worst traffic for a tracer: a client and a server in one process that do nothing but open and close connections over the loopback.
 * Prints {"connections":N,"seconds":S,"cpuMicros":C}. With a rate it opens so many a second at the most.
 *
 *     cc -O2 -o pairs pairs.c && ./pairs SECONDS [RATE]
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu_micros(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 2, rate = argc > 2 ? atof(argv[2]) : 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0) return perror("listen"), 1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  long connections = 0;
  double began = now(), lasted;
  while ((lasted = now() - began) < seconds) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, length) < 0) return perror("connect"), 1;
    int server = accept(listener, NULL, NULL);
    close(client);
    close(server);
    connections++;
    double early = rate > 0 ? connections / rate - (now() - began) : 0;
    if (early > 0) usleep(early * 1e6);
  }
  printf("{\"connections\":%ld,\"seconds\":%.3f,\"cpuMicros\":%.0f}\n", connections, lasted, cpu_micros());
  return 0;
}
