"""`python -m botproxy.worker DESCRIPTOR`: how the supervisor starts a nursery; of no use by hand."""

import sys

from botproxy.worker.nursery import main

sys.exit(main(int(sys.argv[1])))
