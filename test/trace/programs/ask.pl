# Sends one datagram from each of COUNT sockets and waits for the answer, then tells its own ports: a line "ADDRESS PORT PID" for each.
# An address such as 127.0.0.1-8 stands for several that are asked in turn: the kernel gives a port to two sockets, and they are one flow only with one address.
# ask.pl ADDRESS PORT COUNT CONNECTED PROCESSES: from connect()ed sockets or with sendto() alone; each process makes COUNT / PROCESSES.
use strict;
use warnings;
use Socket;
my ($address, $port, $count, $connected, $processes) = @ARGV;
my ($net, $first, $last) = $address =~ /^(.*\.)(\d+)(?:-(\d+))?$/ or die "no address: $address";
my @addresses = map { "$net$_" } $first .. ($last // $first);
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
  my ($from, $share) = @_;
  my @mine;
  for ($from .. $from + $share - 1) {
    my $asked = $addresses[$_ % @addresses];
    my $to = sockaddr_in($port, inet_aton($asked));
    socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    if ($connected) { connect($socket, $to) or die "connect: $!"; send($socket, "?", 0) or die "send: $!"; }
    else { send($socket, "?", 0, $to) or die "sendto: $!"; }
    my ($own) = sockaddr_in(getsockname($socket));
    recv($socket, my $answer, 64, 0);
    close($socket);
    push @mine, "$asked $own";
  }
  told(map { "$_ $$\n" } @mine);
}
my $share = $count / $processes;
for my $i (0 .. $processes - 1) {
  my $pid = fork();
  die "fork: $!" unless defined $pid;
  if ($pid == 0) { $0 = "asker"; ask($i * $share, $share); exit 0; }
  waitpid($pid, 0);
}
print "done\n";
