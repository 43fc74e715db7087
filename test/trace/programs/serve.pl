# Accepts TCP connections, reads until the client closes, closes, and at SIGTERM accepts what is still waiting and tells who accepted what: a line "ADDRESS PEER-PORT PID" for each, the address being the one that was called.
# serve.pl PORT WORKERS: with workers, so many forked processes accept from the same listening socket. Says "ready PORT" first.
use strict;
use warnings;
use Errno qw(EINTR);
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket;
my ($port, $workers) = @ARGV;
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, pack("l", 1));
bind($listener, sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
listen($listener, 4096) or die "listen: $!";
($port) = sockaddr_in(getsockname($listener));
my @pids;
# What several processes write at once stays whole up to a page.
sub told {
  my $page = "";
  for (@_) {
    if (length($page) + length($_) > 4000) { syswrite(STDOUT, $page); $page = ""; }
    $page .= $_;
  }
  syswrite(STDOUT, $page);
}
sub serve {
  my @seen;
  my $going = 1;
  $SIG{TERM} = sub { $going = 0; fcntl($listener, F_SETFL, O_NONBLOCK); };
  while (1) {
    my $peer = accept(my $connection, $listener);
    if (!$peer) { next if $going || $! == EINTR; last; }
    my ($from) = sockaddr_in($peer);
    my (undef, $called) = sockaddr_in(getsockname($connection));
    sysread($connection, my $bytes, 64);
    close($connection);
    push @seen, inet_ntoa($called) . " $from";
  }
  told(map { "$_ $$\n" } @seen) if @seen;
  exit 0;
}
for (1 .. $workers) {
  my $pid = fork();
  die "fork: $!" unless defined $pid;
  serve() if $pid == 0;
  push @pids, $pid;
}
$| = 1;
print "ready $port\n";
serve() unless @pids;
$SIG{TERM} = sub { kill("TERM", @pids); };
for (@pids) { waitpid($_, 0) until $! == 10 or kill(0, $_) == 0; }
