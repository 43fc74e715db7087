# Holds one socket COUNT times: dups.pl COUNT. Says "PORT PID" once, and ends with its standard input.
use strict;
use warnings;
use Socket;
my ($count) = @ARGV;
socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, sockaddr_in(0, inet_aton("127.0.0.1"))) or die "bind: $!";
my @held;
for (2 .. $count) { open(my $copy, "<&", $socket) or die "dup: $!"; push @held, $copy; }
my ($port) = sockaddr_in(getsockname($socket));
$| = 1;
print "$port $$\n";
<STDIN>;
