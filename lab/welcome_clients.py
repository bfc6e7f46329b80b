"""The command lines of programs that are welcome on most sites: feed readers, git, registries, calendars, webhooks.

Placeholders: `{base}` address of the site, `{host}` and `{port}` its parts, `{out}` a fresh directory, `{python}` and
`{bin}` the interpreter that has the Python clients and its directory, `{authority}` the certificate to trust.
"""
# ruff: noqa: E501 - command lines are longer than prose

from __future__ import annotations

from typing import NamedTuple


class Welcome(NamedTuple):
    """A program, what it is for, how it says its version, and what to run of it."""

    name: str
    kind: str
    version: str
    lines: tuple[str, ...]
    schemes: tuple[str, ...] = ("https", "http")


_PIP = "{python} -m pip"
_SIGNED = "-H Content-Type:application/json -d {{}} -o {out}/x"
CLIENTS = (
    Welcome("git", "git", "git --version", (
        "git clone -q {base}/tools.git {out}/clone",
        "git -C {out}/clone -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m two",
        "git -C {out}/clone push -q",
        "git -C {out}/clone fetch -q",
        "git ls-remote -q {base}/tools.git",
        "git clone -q --depth 1 {base}/tools.git {out}/shallow",
    )),
    Welcome("git-dumb", "git", "git --version", (
        "env GIT_SMART_HTTP=0 git clone -q {base}/tools.git {out}/dumb",
    )),
    Welcome("newsboat", "feed reader", "newsboat --version", (
        "sh -c 'echo {base}/feed.xml >{out}/urls; echo ssl-verifypeer no >{out}/config; "
        "newsboat -u {out}/urls -C {out}/config -c {out}/cache -x reload'",
        "sh -c 'echo {base}/blog/rss >{out}/urls; newsboat -u {out}/urls -C {out}/config -c {out}/cache2 -x reload'",
    )),
    Welcome("rsstail", "feed reader", "rsstail -V", ("rsstail -1 -u {base}/feed/",)),
    Welcome("feedparser", "feed reader", "{python} -c 'import feedparser; print(feedparser.__version__)'", (
        "{python} -c \"import feedparser; feedparser.parse('{base}/feed.xml'); "
        "feedparser.parse('{base}/feed', etag='1')\"",
    )),
    Welcome("rss2email", "feed reader", "r2e --version", (
        "sh -c 'r2e -c {out}/c -d {out}/d new ann@example.com; r2e -c {out}/c -d {out}/d add f {base}/atom.xml; "
        "r2e -c {out}/c -d {out}/d run -n'",
    )),
    Welcome("podcastparser", "podcast app", "{python} -c 'import podcastparser; print(podcastparser.__version__)'", (
        "{python} -c \"import podcastparser, urllib.request as u, ssl; podcastparser.parse('{base}/podcast.xml', "
        "u.urlopen('{base}/podcast.xml', context=ssl._create_unverified_context()))\"",
    )),
    Welcome("podget", "podcast app", "podget -V", (
        "sh -c 'mkdir -p {out}/.podget; echo \"{base}/podcast.rss Ann\" >{out}/.podget/serverlist; podget -d {out}/.podget -s'",
    )),
    Welcome("gpo", "podcast app", "gpo --version", ("sh -c 'HOME={out} gpo subscribe {base}/podcast.xml; HOME={out} gpo update'",)),
    Welcome("skopeo", "container client", "skopeo --version", (
        "skopeo copy --dest-tls-verify=false oci:{out}/image:latest docker://{host}:{port}/ann/image:latest",
        "skopeo inspect --tls-verify=false docker://{host}:{port}/ann/image:latest",
        "skopeo copy --src-tls-verify=false docker://{host}:{port}/ann/image:latest dir:{out}/pulled",
        "skopeo list-tags --tls-verify=false docker://{host}:{port}/ann/image",
    )),
    Welcome("oras-python", "container client", "{python} -c 'import oras.version; print(oras.version.__version__)'", (
        "{python} -c \"import oras.client as o; c = o.OrasClient(hostname='{host}:{port}', insecure={plain}, "
        "tls_verify=False); c.pull(target='{host}:{port}/ann/image:latest', outdir='{out}/o'); "
        "c.get_tags('{host}:{port}/ann/image')\"",
    )),
    Welcome("curl-registry", "container client", "curl --version", (
        "curl -sk {base}/v2/ -o {out}/x",
        "curl -sk -H 'Accept: application/vnd.oci.image.manifest.v1+json' {base}/v2/ann/image/manifests/latest -o {out}/x",
    )),
    Welcome("rclone", "WebDAV", "rclone version", (
        "sh -c 'rclone --config {out}/none --no-check-certificate --webdav-url {base}/remote.php/dav/files/ann "
        "--webdav-vendor nextcloud --webdav-user ann --webdav-pass $(rclone obscure b) lsf :webdav:'",
        "sh -c 'rclone --config {out}/none --no-check-certificate --webdav-url {base}/dav --webdav-vendor other "
        "--webdav-user ann --webdav-pass $(rclone obscure b) copyto {out}/words :webdav:words'",
    )),
    Welcome("cadaver", "WebDAV", "cadaver --version", ("sh -c 'printf \"y\\nls\\nquit\\n\" | cadaver {base}/dav/'",)),
    Welcome("webdavclient3", "WebDAV", "{python} -m pip show webdavclient3", (
        "{python} -c \"from webdav3.client import Client as C; c = C(dict(webdav_hostname='{base}/dav', webdav_login='a', "
        "webdav_password='b')); c.verify = False; c.list(); c.check('x')\"",
    )),
    Welcome("caldav", "CalDAV", "{python} -c 'import caldav; print(caldav.__version__)'", (
        "{python} -c \"import caldav; c = caldav.DAVClient('{base}/calendars/ann/', username='a', password='b', "
        "ssl_verify_cert=False); p = c.principal(); [k.events() for k in p.calendars()]\"",
    )),
    Welcome("vdirsyncer", "CalDAV", "vdirsyncer --version", (
        "sh -c 'printf \"[general]\\nstatus_path = \\\"{out}/st\\\"\\n[pair p]\\na = \\\"x\\\"\\nb = \\\"y\\\"\\n"
        "collections = [\\\"from b\\\"]\\n[storage x]\\ntype = \\\"filesystem\\\"\\npath = \\\"{out}/cal\\\"\\nfileext = "
        "\\\".ics\\\"\\n[storage y]\\ntype = \\\"caldav\\\"\\nurl = \\\"{base}/calendars/ann/\\\"\\nusername = \\\"a\\\"\\n"
        "password = \\\"b\\\"\\nverify = \\\"{authority}\\\"\\n\" >{out}/vd; yes | vdirsyncer -c {out}/vd discover'",
    )),
    Welcome("calcurse-caldav", "CalDAV", "calcurse --version", (
        "sh -c 'mkdir -p {out}/cc; printf \"[General]\\nBinary = calcurse\\nHostname = {host}:{port}\\nPath = /calendars/ann/\\n"
        "InsecureSSL = Yes\\nHTTPS = {secure}\\nDryRun = Yes\\n[Auth]\\nUsername = a\\nPassword = b\\n\" >{out}/cc/config; "
        "calcurse-caldav --config {out}/cc/config --init keep-local --syncdb {out}/cc/db --lockfile {out}/cc/lock'",
    )),
    Welcome("curl-ics", "calendar", "curl --version", ("curl -sk {base}/calendar/ann.ics -o {out}/x",)),
    Welcome("mastodon.py", "fediverse", "{python} -c 'import mastodon; print(mastodon.__version__)'", (
        "{python} -c \"import mastodon, requests; s = requests.Session(); s.verify = False; "
        "mastodon.Mastodon(api_base_url='{base}', session=s).instance()\"",
    )),
    Welcome("curl-fediverse", "fediverse", "curl --version", (
        "curl -sk '{base}/.well-known/webfinger?resource=acct:ann@site.test' -o {out}/x",
        "curl -sk -H 'Accept: application/activity+json' {base}/users/ann -o {out}/x",
        "curl -sk -H 'Accept: application/activity+json' {base}/@ann/1 -o {out}/x",
        "curl -sk -H 'Content-Type: application/activity+json' -H 'Digest: SHA-256=x' -H 'Signature: keyId=x' "
        "-H 'Date: Mon, 05 Oct 2026 08:00:00 GMT' -d {{}} {base}/users/ann/inbox -o {out}/x",
        "curl -sk {base}/.well-known/nodeinfo -o {out}/x",
        "curl -sk {base}/nodeinfo/2.0 -o {out}/x",
    )),
    Welcome("curl-webmention", "webmention", "curl --version", (
        "curl -sk -d source=https://a.example/1 -d target={base}/one {base}/webmention -o {out}/x",
    )),
    Welcome("curl-webhook", "webhook", "curl --version", (
        "curl -sk -H Stripe-Signature:t=1,v1=00 " + _SIGNED + " {base}/webhooks/stripe",
        "curl -sk -H Stripe-Signature:t=1,v1=00 " + _SIGNED + " {base}/payments/callback",
        "curl -sk -H X-Hub-Signature-256:sha256=00 -H X-GitHub-Event:push " + _SIGNED + " {base}/hooks/deploy",
        "curl -sk -d txn_id=1 -o {out}/x {base}/paypal/ipn",
    )),
    Welcome("python-webhook", "webhook", "{python} -c 'import requests; print(requests.__version__)'", (
        "{python} -c \"import requests; requests.post('{base}/webhook', json={{}}, verify=False, "
        "headers={{'Webhook-Signature': 'v1,x'}})\"",
    )),
    Welcome("check_http", "monitoring", "/usr/lib/nagios/plugins/check_http -V", (
        "/usr/lib/nagios/plugins/check_http -H {host} -I 127.0.0.1 -p {port} {ssl_flag} -u /healthz",
        "/usr/lib/nagios/plugins/check_http -H {host} -I 127.0.0.1 -p {port} {ssl_flag} -u / -j HEAD",
    )),
    Welcome("blackbox-exporter", "monitoring", "prometheus-blackbox-exporter --version", (
        "sh -c 'printf \"modules: {{health: {{prober: http, http: {{tls_config: {{insecure_skip_verify: true}}, "
        "preferred_ip_protocol: ip4}}}}, head: {{prober: http, http: {{method: HEAD, tls_config: "
        "{{insecure_skip_verify: true}}, preferred_ip_protocol: ip4}}}}}}\" >{out}/bb.yml; prometheus-blackbox-exporter "
        "--config.file={out}/bb.yml --web.listen-address=127.0.0.1:9915 & p=$!; sleep 2; "
        "curl -s \"http://127.0.0.1:9915/probe?module=health&target={base}/health\" >/dev/null; "
        "curl -s \"http://127.0.0.1:9915/probe?module=head&target={base}/\" >/dev/null; kill $p'",
    )),
    Welcome("curl-monitoring", "monitoring", "curl --version", (
        "curl -skf {base}/healthz -o {out}/x", "curl -skI {base}/", "curl -sk {base}/health/ready -o {out}/x",
    )),
    Welcome("wget-monitoring", "monitoring", "wget --version", (
        "wget -q --no-check-certificate --spider {base}/", "wget -q --no-check-certificate -O {out}/x {base}/ping",
    )),
    Welcome("yt-dlp", "podcast app", "{bin}/yt-dlp --version", (
        "{bin}/yt-dlp -q --no-check-certificates -o {out}/y.mp3 {base}/podcast/one.mp3",
    )),
    Welcome("pip", "package manager", _PIP + " --version", (
        _PIP + " download -q --retries 0 --no-deps --disable-pip-version-check --trusted-host {host} -d {out}/p --index-url "
        "{base}/simple/ demo",
    )),
    Welcome("apt", "package manager", "apt-get --version", (
        "sh -c 'mkdir -p {out}/apt/lists/partial {out}/apt/cache/archives/partial; echo \"deb [trusted=yes] {base}/debian "
        "stable main\" >{out}/apt/s.list; apt-get -qq -o Dir::Etc::SourceList={out}/apt/s.list -o "
        "Dir::Etc::SourceParts=/none -o Dir::State::Lists={out}/apt/lists -o Dir::Cache={out}/apt/cache -o "
        "Acquire::https::Verify-Peer=false -o Acquire::https::Verify-Host=false -o APT::Sandbox::User=root update'",
    )),
    Welcome("cargo", "package manager", "cargo --version", (
        "sh -c 'mkdir -p {out}/crate/src {out}/crate/.cargo; touch {out}/crate/src/lib.rs; printf \"[package]\\nname = "
        "\\\"a\\\"\\nversion = \\\"0.1.0\\\"\\n[dependencies]\\ndemo = {{ version = \\\"1\\\", registry = \\\"lab\\\" }}\\n\" "
        ">{out}/crate/Cargo.toml; printf \"[registries.lab]\\nindex = \\\"sparse+{base}/index/\\\"\\n[http]\\ncainfo = "
        "\\\"{authority}\\\"\\n\" >{out}/crate/.cargo/config.toml; cd {out}/crate && cargo fetch -q'",
    )),
    Welcome("go-proxy", "package manager", "go version", (
        "sh -c 'mkdir -p {out}/gomod; cd {out}/gomod; printf \"module a.test/a\\n\" >go.mod; SSL_CERT_FILE={authority} "
        "GOFLAGS=-mod=mod GONOSUMDB=* GONOSUMCHECK=1 GOSUMDB=off GOPROXY={base}/goproxy go list -m example.com/demo@latest'",
    )),
    Welcome("helm-index", "package manager", "curl --version", ("curl -sk {base}/charts/index.yaml -o {out}/x",)),
    Welcome("wget-download", "package manager", "wget --version", (
        "wget -q --no-check-certificate -O {out}/x {base}/releases/tool-1.0.tar.gz",
        "wget -q --no-check-certificate -O {out}/x {base}/releases/tool-1.0.tar.gz.sha256",
    )),
    Welcome("certbot-check", "well-known", "curl --version", ("curl -sk {base}/.well-known/acme-challenge/token -o {out}/x",)),
    Welcome("curl-robots", "well-known", "curl --version", (
        "curl -sk {base}/robots.txt -o {out}/x", "curl -sk {base}/sitemap.xml -o {out}/x",
        "curl -sk {base}/.well-known/security.txt -o {out}/x",
    )),
    Welcome("linkchecker", "well-known", "{bin}/linkchecker --version", (
        "{bin}/linkchecker --no-status -q --no-warnings {base}/robots.txt",
    )),
)  # fmt: skip
