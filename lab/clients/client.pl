# Perl's LWP and HTTP::Tiny: `perl client.pl BASE`.
use strict;
use warnings;
use LWP::UserAgent;
use HTTP::Tiny;
my $base = $ARGV[0];
my $agent = LWP::UserAgent->new(ssl_opts => {verify_hostname => 0, SSL_verify_mode => 0});
$agent->get("$base/page");
$agent->post("$base/form", {a => 1});
$agent->head("$base/head");
my $tiny = HTTP::Tiny->new(verify_SSL => 0);
$tiny->get("$base/tiny");
$tiny->post_form("$base/tiny-form", {a => 1});
