# Answers every datagram: answer.pl PORT. Says "ready PID" first.
use strict;
use warnings;
use Socket;
my ($port) = @ARGV;
socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
$| = 1;
print "ready $$\n";
while (my $peer = recv($socket, my $question, 64, 0)) { send($socket, "!", 0, $peer); }
