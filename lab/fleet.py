"""Programs that run plans, and tools that have plans of their own: what to call, and how to say which it is."""
# ruff: noqa: E501 - command lines are longer than prose

from __future__ import annotations

from typing import NamedTuple


class Runner(NamedTuple):
    """A client that runs plans. Placeholders as in `lab.commands`, and `{plan}`, `{lines}`, `{node}`."""

    family: str
    client: str
    line: str
    version: str = ""
    disguises: tuple[str, ...] = ("none", "agent", "headers")
    schemes: tuple[str, ...] = ("https", "https", "https", "http")


class Tool(NamedTuple):
    """A program with a behaviour of its own."""

    family: str
    behaviour: str
    lines: tuple[str, ...]
    version: str = ""
    human: bool = False


_PY = "{python} {here}/clients/plan_python.py"
_MODULES = {
    "requests": "requests", "httpx": "httpx", "httpx2": "httpx", "aiohttp": "aiohttp", "urllib3": "urllib3",
    "pycurl": "pycurl", "httplib2": "httplib2", "mechanize": "mechanize",
    "tornado": "tornado", "scrapy": "scrapy", "cloudscraper": "cloudscraper",
}  # fmt: skip
IMPERSONATED = (
    "chrome99", "chrome110", "chrome120", "chrome124", "chrome131", "chrome136", "chrome142", "chrome150",
    "chrome131_android", "edge101", "safari155", "safari170", "safari180", "safari180_ios", "safari260", "safari260_ios",
    "firefox133", "firefox135", "firefox144", "firefox147", "tor145",
)  # fmt: skip
PRIMP = ("chrome_145", "chrome_146", "safari_18.5", "safari_26", "edge_146", "firefox_147", "random")

RUNNERS = (
    *(
        Runner(name, f"python-{name}", f"{_PY} {name} {{plan}}", f"{{python}} -m pip show {module}")
        for name, module in _MODULES.items()
    ),
    Runner("urllib", "python-urllib", f"{_PY} urllib {{plan}}", "{python} --version"),
    Runner("http-client", "python-http-client", f"{_PY} http_client {{plan}}", "{python} --version"),
    *(
        Runner(
            "curl-cffi", f"curl-cffi-{browser}", f"{_PY} curl_cffi:{browser} {{plan}}", "{python} -m pip show curl_cffi",
            ("tls",), ("https",),
        )
        for browser in IMPERSONATED
    ),
    *(
        Runner(
            "primp", f"primp-{browser}", f"{_PY} primp:{browser} {{plan}}", "{python} -m pip show primp",
            ("tls",), ("https",),
        )
        for browser in PRIMP
    ),
    *(
        Runner(f"node-{name}", f"node-{name}", f"{{node}} {{here}}/clients/plan_node.cjs {name} {{plan}}", "node --version")
        for name in ("http", "fetch", "undici", "node-fetch", "axios", "got", "superagent", "needle", "ky")
    ),
    Runner(
        "got-scraping", "node-got-scraping", "{node} {here}/clients/plan_node.cjs got-scraping {plan}", "node --version",
        ("headers",), ("https",),
    ),
    Runner("go", "go-net-http", "{out}/../go-plan {plan}", "go version"),
    Runner("java", "java-http-client", "java {here}/clients/Plan.java {lines} new", "java --version"),
    Runner("java-old", "java-url-connection", "java {here}/clients/Plan.java {lines} old", "java --version"),
    Runner("php", "php-stream", "php {here}/clients/plan.php {plan} stream", "php --version"),
    Runner("php-curl", "php-curl", "php {here}/clients/plan.php {plan} curl", "php --version"),
    Runner("ruby", "ruby-net-http", "ruby {here}/clients/plan.rb {plan}", "ruby --version"),
    Runner("perl-lwp", "perl-lwp", "perl {here}/clients/plan.pl {plan} lwp", "perl --version"),
    Runner("perl-tiny", "perl-http-tiny", "perl {here}/clients/plan.pl {plan} tiny", "perl --version"),
    Runner("curl", "curl", "{python} {here}/clients/plan_shell.py curl {plan}", "curl --version"),
    Runner("curl", "curl-http1", "{python} {here}/clients/plan_shell.py curl1 {plan}", "curl --version"),
    Runner("wget", "wget", "{python} {here}/clients/plan_shell.py wget {plan}", "wget --version"),
    Runner("httpie", "httpie", "{python} {here}/clients/plan_shell.py http {plan}", "http --version"),
    Runner("aria2", "aria2", "{python} {here}/clients/plan_shell.py aria2c {plan}", "aria2c --version", ("none", "agent")),
)  # fmt: skip

TOOLS = (
    Tool("sqlmap", "probing", (
        "sqlmap --batch --flush-session --output-dir={out} --level=1 --technique=B -u {base}/search?q=1",
        "sqlmap --batch --flush-session --random-agent --output-dir={out} --technique=E -u {base}/shop?page=1",
    ), "sqlmap --version"),
    Tool("ffuf", "probing", ("ffuf -s -u {base}/FUZZ -w {words}",), "ffuf -V"),
    Tool("gobuster", "probing", ("gobuster dir -q -k -u {base} -w {words}",), "gobuster version"),
    Tool("wfuzz", "probing", ("wfuzz -w {words} {base}/FUZZ",), "wfuzz --version"),
    Tool("dirb", "probing", ("dirb {base}/ {words} -S -r",)),
    Tool("nmap", "probing", (
        "nmap -Pn -p {port} --script http-title,http-headers,http-methods,http-robots.txt,http-enum 127.0.0.1",
    ), "nmap --version"),
    Tool("whatweb", "probing", ("whatweb -q {base}/",), "whatweb --version"),
    Tool("ab", "load", ("ab -q -n 30 -c 3 {base}/shop", "ab -q -k -n 30 -c 3 {base}/"), "ab -V"),
    Tool("hey", "load", ("hey -n 30 -c 3 {base}/shop", "hey -h2 -n 30 -c 3 {base}/"), "hey -version"),
    Tool("wrk", "load", ("timeout 1 wrk -t 1 -c 1 -d 1 {base}/api/products",), "wrk -v"),
    Tool("siege", "load", ("siege -q -r 10 -c 2 {base}/shop",), "siege --version"),
    Tool("h2load", "load", ("h2load -n 30 -c 2 {base}/shop",), "h2load --version"),
    Tool("httrack", "copying", ("httrack {base}/ -O {out}/httrack -r3 -q -E10",), "httrack --version"),
    Tool("wget-mirror", "copying", (
        "wget -q --no-check-certificate -r -l 2 -P {out} {base}/", "wget -q --no-check-certificate -p -P {out} {base}/shop",
    ), "wget --version"),
    Tool("linkchecker", "copying", ("{bin}/linkchecker --no-status -q -r2 {base}/",), "{bin}/linkchecker --version"),
    Tool("axel", "download", ("axel -q -k -o {out}/axel {base}/media/film.mp4",), "axel --version"),
    Tool("yt-dlp", "download", ("{bin}/yt-dlp -q --no-check-certificates -o {out}/y {base}/journal/storm-0",), "{bin}/yt-dlp --version"),
    Tool("newsboat", "feed", (
        "sh -c 'echo {base}/feed.xml >{out}/urls; echo ssl-verifypeer no >{out}/config; "
        "newsboat -u {out}/urls -C {out}/config -c {out}/cache -x reload'",
    ), "newsboat --version"),
    Tool("feedparser", "feed", ("{python} -c \"import feedparser; feedparser.parse('{base}/feed.xml')\"",)),
    Tool("check_http", "monitoring", (
        "/usr/lib/nagios/plugins/check_http -H site.test -I 127.0.0.1 -p {port} -S -u /",
    ), "/usr/lib/nagios/plugins/check_http -V"),
    Tool("lynx", "browsing", (
        "lynx -dump -accept_all_cookies {base}/", "lynx -dump -accept_all_cookies {base}/shop",
    ), "lynx --version", True),
    Tool("w3m", "browsing", ("w3m -insecure -dump {base}/", "w3m -insecure -dump {base}/journal"), "w3m -version", True),
    Tool("links2", "browsing", ("links2 -ssl.certificates 0 -dump {base}/", "links2 -ssl.certificates 0 -dump {base}/about"),
         "links2 -version", True),
    Tool("elinks", "browsing", (
        "elinks -eval 'set connection.ssl.cert_verify=0' -dump {base}/", "elinks -eval 'set connection.ssl.cert_verify=0' -dump {base}/shop",
    ), "elinks -version", True),
)  # fmt: skip
