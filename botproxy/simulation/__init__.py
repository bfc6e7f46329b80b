"""What other rules would have done with recorded requests. Pure: whoever asks reads the records and hands them in."""

from botproxy.simulation.comparing import After, Comparison
from botproxy.simulation.facts import facts_of
from botproxy.simulation.judging import ZoneJudge
from botproxy.simulation.past import Solvers
from botproxy.simulation.recorded import SOLVED, STORED, Recorded, blank, from_line, from_store, when
from botproxy.simulation.trial import ACTIONS, OneMore, Trial

__all__ = [
    "ACTIONS",
    "SOLVED",
    "STORED",
    "After",
    "Comparison",
    "OneMore",
    "Recorded",
    "Solvers",
    "Trial",
    "ZoneJudge",
    "blank",
    "facts_of",
    "from_line",
    "from_store",
    "when",
]
