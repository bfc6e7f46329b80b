"""The command lines of every client that is a program: libraries, tools, scanners, text browsers.

Placeholders: `{base}` address of the recorder, `{host}` and `{port}` its parts, `{here}` this package, `{words}` a
short word list, `{out}` a directory for whatever a program wants to leave behind, `{s}` "s" over https.
"""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """A client and what to run of it. Each line is one command; a program that is missing is passed over by name."""

    name: str
    lines: tuple[str, ...]
    schemes: tuple[str, ...] = ("https", "http")


_PYTHON = [
    "requests",
    "httpx",
    "aiohttp",
    "urllib",
    "http_client",
    "urllib3",
    "niquests",
    "pycurl",
    "httplib2",
    "mechanize",
    "tornado",
    "scrapy",
    "cloudscraper",
]
_NODE = ["http", "fetch", "undici", "node-fetch", "axios", "got", "superagent", "needle", "request", "ky", "ws"]

LIBRARIES = (
    *(
        Program(f"python-{name}", (f"{{python}} {{here}}/clients/python_clients.py {name} {{base}}",))
        for name in _PYTHON
    ),
    *(Program(f"node-{name}", (f"node {{here}}/clients/node_clients.cjs {name} {{base}}",)) for name in _NODE),
    Program("go-net-http", ("go run {here}/clients/client.go {base}",)),
    Program("java", ("java {here}/clients/Client.java {base}",)),
    Program("php", ("php {here}/clients/client.php {base}",)),
    Program("ruby", ("ruby {here}/clients/client.rb {base}",)),
    Program("perl", ("perl {here}/clients/client.pl {base}",)),
    Program(
        "curl",
        (
            "curl -sk {base}/page -o {out}/x",
            "curl -skI {base}/head",
            "curl -sk --compressed -b a=1 {base}/compressed -o {out}/x",
            "curl -sk -d a=1 {base}/form -o {out}/x",
            "curl -sk -H Content-Type:application/json -d {{}} {base}/json -o {out}/x",
            "curl -sk -F a=1 {base}/upload -o {out}/x",
            "curl -sk -L {base}/redirect -o {out}/x",
            "curl -sk -0 {base}/old -o {out}/x",
            "curl -sk -e {base}/page -r 0-9 {base}/range -o {out}/x",
            "curl -sk -H User-Agent: {base}/nameless -o {out}/x",
        ),
    ),
    Program(
        "wget",
        (
            "wget -q --no-check-certificate {base}/page -O {out}/x",
            "wget -q --no-check-certificate -r -l 1 -P {out} {base}/tour",
            "wget -q --no-check-certificate --post-data=a=1 {base}/form -O {out}/x",
            "wget -q --no-check-certificate --spider {base}/spider",
        ),
    ),
    Program(
        "httpie", ("http --verify=no --ignore-stdin {base}/page", "http --verify=no --ignore-stdin {base}/json a=1")
    ),
    Program("aria2", ("aria2c -q --check-certificate=false --allow-overwrite=true -d {out} -o x {base}/page",)),
    Program("axel", ("axel -q -k -o {out}/axel {base}/download.bin",)),
    Program("ab", ("ab -q -n 2 {base}/page", "ab -q -k -n 2 {base}/page", "ab -q -n 1 -p {words} {base}/form")),
    Program("hey", ("hey -n 2 -c 1 {base}/page", "hey -n 1 -c 1 -m POST -d a=1 {base}/form")),
    Program("wrk", ("wrk -t 1 -c 1 -d 1 {base}/page",)),
    Program("siege", ("siege -q -r 1 -c 1 {base}/page", "siege -q -r 1 -c 1 -g {base}/page")),
    Program(
        "openssl",
        ("sh -c 'printf \"GET /raw HTTP/1.0\\r\\n\\r\\n\" | openssl s_client -quiet -connect {host}:{port}'",),
        ("https",),
    ),
)

IMPERSONATORS = (
    Program("python-curl_cffi", ("{python} {here}/clients/python_clients.py curl_cffi {base}",)),
    Program("node-got-scraping", ("node {here}/clients/node_clients.cjs got-scraping {base}",)),
)

SCANNERS = (
    Program(
        "nmap", ("nmap -Pn -p {port} --script http-title,http-headers,http-methods,http-robots.txt,http-enum {host}",)
    ),
    Program(
        "sqlmap", ("sqlmap --batch --flush-session --output-dir={out} --level=1 --technique=B -u {base}/page?id=1",)
    ),
    Program("ffuf", ("ffuf -s -u {base}/FUZZ -w {words}",)),
    Program("gobuster", ("gobuster dir -q -k -u {base} -w {words}",)),
    Program("wfuzz", ("wfuzz -w {words} {base}/FUZZ",)),
    Program("dirb", ("dirb {base}/ {words} -S -r",)),
    Program("whatweb", ("whatweb -q {base}/page",)),
    Program("httrack", ("httrack {base}/linked -O {out}/httrack -r2 -q",)),
)

TEXT_BROWSERS = (
    Program(
        "lynx",
        (
            "lynx -dump -accept_all_cookies {base}/linked",
            "lynx -dump -reload {base}/page",
            "sh -c 'printf \"a=1\\n---\\n\" | lynx -dump -post_data {base}/form'",
        ),
    ),
    Program("w3m", ("w3m -insecure -dump {base}/linked", "w3m -insecure -dump -header Pragma:no-cache {base}/page")),
    Program("links2", ("links2 -ssl.certificates 0 -dump {base}/linked",)),
)
