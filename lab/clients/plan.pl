# Runs a plan with LWP::UserAgent or HTTP::Tiny: `perl plan.pl PLAN lwp|tiny`.
use strict; use warnings; use JSON::PP; use HTTP::Tiny;
local $/; open my $file, '<', $ARGV[0] or die; my $plan = decode_json(<$file>);
my $lwp;
if ($ARGV[1] eq 'lwp') {
    require LWP::UserAgent; require HTTP::Request;
    $lwp = LWP::UserAgent->new(ssl_opts => { verify_hostname => 0, SSL_verify_mode => 0 }, keep_alive => $plan->{fresh} ? 0 : 1, cookie_jar => {});
}
my $tiny = HTTP::Tiny->new(verify_SSL => 0);
for my $step (@{ $plan->{steps} }) {
    my %headers = %{ $step->{headers} };
    my $body;
    if ($step->{form}) { $body = $tiny->www_form_urlencode($step->{form}); $headers{'Content-Type'} = 'application/x-www-form-urlencoded'; }
    elsif ($step->{json}) { $body = encode_json($step->{json}); $headers{'Content-Type'} = 'application/json'; }
    my $url = $plan->{base} . $step->{path};
    if ($lwp) { $lwp->request(HTTP::Request->new($step->{method}, $url, [%headers], $body)); }
    else { delete $headers{Host}; $tiny->request($step->{method}, $url, { headers => \%headers, defined $body ? (content => $body) : () }); }
}
