"""Challenges: the page on which a browser proves itself, and whether it did. Clock, randomness and keys come in."""

from botproxy.challenges import paths
from botproxy.challenges.assets import SCRIPT, SCRIPT_VERSION
from botproxy.challenges.issuing import Answer, issue, readable
from botproxy.challenges.pages import PLAIN, Look, Pages, load_look
from botproxy.challenges.refusal_page import CODES, message_page, refusal_page
from botproxy.challenges.replay import LONGEST_TEXT, REPLAY_PURPOSE, form_type
from botproxy.challenges.reports import REPORT_PURPOSE, ReportSeals
from botproxy.challenges.settings import Settings
from botproxy.challenges.ticket import PURPOSE, Step
from botproxy.challenges.tickets import NOBODY, Known
from botproxy.challenges.verifying import Concluded, Failed, Passed, Reason, conclude, verify

__all__ = [
    "CODES",
    "LONGEST_TEXT",
    "NOBODY",
    "PLAIN",
    "PURPOSE",
    "REPLAY_PURPOSE",
    "REPORT_PURPOSE",
    "SCRIPT",
    "SCRIPT_VERSION",
    "Answer",
    "Concluded",
    "Failed",
    "Known",
    "Look",
    "Pages",
    "Passed",
    "Reason",
    "ReportSeals",
    "Settings",
    "Step",
    "conclude",
    "form_type",
    "issue",
    "load_look",
    "message_page",
    "paths",
    "readable",
    "refusal_page",
    "verify",
]
