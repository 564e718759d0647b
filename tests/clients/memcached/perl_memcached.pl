# SPDX-License-Identifier: MIT
# The steps of ../README.md with Cache::Memcached, or with the module that a third argument names.
use strict;
use warnings;

my ($host, $port, $module) = @ARGV;
$module //= 'Cache::Memcached';
eval "require $module" or die $@;
$| = 1;

sub text { my ($value) = @_; return defined $value ? 'x' . unpack('H*', $value) : 'nil' }
sub step { my ($name, @values) = @_; print "$name ", join(',', map { text($_) } @values), "\n" }
sub told {
    my ($name, $done) = @_;
    print "$name ", $done ? 'done' : defined $done ? 'false' : 'undef', "\n";
}

# Their own limits are a second for a reply, and less for a connection.
my %limits = (connect_timeout => 20, select_timeout => 20, io_timeout => 20);
my $client = $module->new({ servers => ["$host:$port"], %limits });
print 'version ', $module->VERSION, "\n";
my @keys = ('hoge', 'nothing', "schl\xc3\xbcssel"); # as bytes
step('hit', scalar $client->get('hoge'));
told('write', scalar $client->set('hoge', "a\r\nb"));
step('again', scalar $client->get('hoge'));
<STDIN>;
told('delete', scalar $client->delete('hoge'));
step('then', scalar $client->get('hoge'));
<STDIN>;
step('miss', scalar $client->get('nothing'));
step('utf8', scalar $client->get($keys[2]));
my $found = $client->get_multi(@keys);
step('many', map { $found->{$_} } @keys);
step('binary', scalar $client->get('binary'));
step('mib', scalar $client->get('mib'));
step('16mib', scalar $client->get('16mib'));
step('before', scalar $client->get('marker'));
<STDIN>;
step('after', scalar $client->get('marker'));
$client->disconnect_all;
