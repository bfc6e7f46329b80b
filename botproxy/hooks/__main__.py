"""`python -m botproxy.hooks ...`: a process that runs one hook; started by a worker, of no use by hand."""

import sys

from botproxy.hooks.host import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
