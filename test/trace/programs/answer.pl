# Answers every datagram: answer.pl ADDRESS PORT. Says "ready PID" first. An address such as 127.0.0.1-8 stands for a socket on each.
use strict;
use warnings;
use IO::Select;
use Socket;
my ($address, $port) = @ARGV;
my ($net, $first, $last) = $address =~ /^(.*\.)(\d+)(?:-(\d+))?$/ or die "no address: $address";
my $sockets = IO::Select->new;
for ($first .. ($last // $first)) {
  socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
  bind($socket, sockaddr_in($port, inet_aton("$net$_"))) or die "bind: $!";
  $sockets->add($socket);
}
$| = 1;
print "ready $$\n";
while (my @readable = $sockets->can_read) {
  for my $socket (@readable) {
    my $peer = recv($socket, my $question, 64, 0);
    send($socket, "!", 0, $peer) if $peer;
  }
}
