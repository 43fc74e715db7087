# Sends one datagram from each of COUNT sockets and waits for the answer, then tells its own ports: a line "ADDRESS PORT PID" for each.
# ask.pl ADDRESS PORT COUNT CONNECTED PROCESSES: from connect()ed sockets or with sendto() alone; each process makes COUNT / PROCESSES.
use strict;
use warnings;
use Socket;
my ($address, $port, $count, $connected, $processes) = @ARGV;
my $to = sockaddr_in($port, inet_aton($address));
# What several processes write at once stays whole up to a page.
sub told {
  my $page = "";
  for (@_) {
    if (length($page) + length($_) > 4000) { syswrite(STDOUT, $page); $page = ""; }
    $page .= $_;
  }
  syswrite(STDOUT, $page);
}
sub ask {
  my ($share) = @_;
  my @mine;
  for (1 .. $share) {
    socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    if ($connected) { connect($socket, $to) or die "connect: $!"; send($socket, "?", 0) or die "send: $!"; }
    else { send($socket, "?", 0, $to) or die "sendto: $!"; }
    my ($own) = sockaddr_in(getsockname($socket));
    recv($socket, my $answer, 64, 0);
    close($socket);
    push @mine, "$address $own";
  }
  told(map { "$_ $$\n" } @mine);
}
for (1 .. $processes) {
  my $pid = fork();
  die "fork: $!" unless defined $pid;
  if ($pid == 0) { $0 = "asker"; ask($count / $processes); exit 0; }
  waitpid($pid, 0);
}
print "done\n";
