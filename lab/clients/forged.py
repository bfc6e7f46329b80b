"""A program without a browser that answers as one would: what the script's work costs whoever does it over.

`python forged.py URL`. Takes what the page carries, computes the answers with the server's own modules, which are open,
and closes the report. It knows the secret of the program in the script, as nobody does who has not read a deployment's
files; what it takes without stands in `lab/solver.py`.
"""

import json
import re
import sys
import urllib.request
from base64 import urlsafe_b64decode
from urllib.parse import urljoin

from botproxy.scoring.jsd.programs import PUBLIC
from botproxy.scoring.jsd.sealing import close_report
from botproxy.scoring.jsd.work import expected

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
HEADERS = {"User-Agent": AGENT, "Accept-Language": "en-US,en;q=0.9"}


def forge(seed: bytes) -> bytes:
    """A report that nothing collected."""
    program = PUBLIC.current(0)
    seen = program.answers(seed)
    work = expected(seed, program.run(seed, seen).key)
    rows = [[0 if value != value else value for value in row or ()] for row in (work.hits, work.curve, work.media)]
    chains = [list(chain) if chain else None for chain in work.chains]
    fields = [
        2,
        [],
        "v8",
        AGENT,
        "Linux",
        False,
        [["Chromium", "156"]],
        "en-US",
        chains,
        *rows,
        20,
        9,
        1,
        program.name,
        seen,
    ]
    return close_report(json.dumps(fields).encode(), seed)


def main(url: str) -> None:
    page = urllib.request.urlopen(urllib.request.Request(url, headers=HEADERS), timeout=20).read().decode()
    found = re.search(r'collect\("([\w-]+)"\)', page)
    assert found is not None
    report = forge(urlsafe_b64decode(found[1] + "=="))
    body = json.dumps({"report": report.decode(), "botd": None}).encode()
    urllib.request.urlopen(urllib.request.Request(urljoin(url, "/report"), body, HEADERS), timeout=20).close()


if __name__ == "__main__":
    main(sys.argv[1])
