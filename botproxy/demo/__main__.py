"""`python -m botproxy.demo [HOST:PORT]`: the demo shop on its own."""

import sys

from botproxy.demo.application import run

host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:3000").rpartition(":")
try:
    run(host, int(port))
except OSError as error:
    sys.exit(f"the demo site cannot listen on {host}:{port}: {error.strerror}")
