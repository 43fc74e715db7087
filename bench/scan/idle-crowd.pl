# So many processes that do nothing: idle-crowd.pl COUNT. Says "ready"; they end with it.
use strict;
use warnings;
my ($count) = @ARGV;
pipe(my $end, my $keep) or die "pipe: $!";
for (1 .. $count) {
  my $pid = fork();
  die "fork: $!" unless defined $pid;
  if ($pid == 0) { close($keep); sysread($end, my $byte, 1); exit 0; }
}
$| = 1;
print "ready\n";
sleep 1 while 1;
