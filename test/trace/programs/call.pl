# Connects COUNT times to ADDRESS PORT, one connection after another, each closed at once, and then tells its own ports: a line "ADDRESS PORT PID" for each.
# An address such as 127.0.0.1-8 stands for several that are called in turn, so that the kernel gives out no port twice.
# call.pl ADDRESS PORT COUNT PER-SECOND PROCESSES: at the most so many a second (0: as fast as it goes), by a timetable, so that what was late is made up for; with processes, so many forked ones share the
# count, each process making COUNT / PROCESSES. Last it says how many a second there were: a line "rate NUMBER".
use strict;
use warnings;
use Socket;
my ($address, $port, $count, $rate, $processes) = @ARGV;
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
# Seconds after boot, with two decimals: a finer clock is not in every Perl.
sub seconds {
  open(my $uptime, "<", "/proc/uptime") or die "uptime: $!";
  return (split(" ", <$uptime>))[0];
}
sub call {
  my ($share) = @_;
  my @mine;
  my $began = seconds();
  for my $i (1 .. $share) {
    if ($rate && $i % 10 == 0) {
      my $early = $began + $i * $processes / $rate - seconds();
      select(undef, undef, undef, $early) if $early > 0;
    }
    socket(my $connection, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    my $called = $addresses[$i % @addresses];
    connect($connection, sockaddr_in($port, inet_aton($called))) or die "connect: $!";
    my ($own) = sockaddr_in(getsockname($connection));
    close($connection);
    push @mine, "$called $own";
  }
  told(map { "$_ $$\n" } @mine);
}
my $start = seconds();
if ($processes > 1) {
  for (1 .. $processes) {
    my $pid = fork();
    die "fork: $!" unless defined $pid;
    if ($pid == 0) { $0 = "one-shot"; call($count / $processes); exit 0; }
    waitpid($pid, 0) if $count == $processes;
  }
  1 while wait() != -1;
} else {
  call($count);
}
printf("rate %.0f\n", $count / (seconds() - $start || 0.01));
print "done\n";
