"""What visitors did lately: counters and profiles per key, bounded, merged between workers and between nodes."""

from botproxy.traffic.counts import KEYS, NOWHERE, CountedRule, RateCounts
from botproxy.traffic.header_order import header_fingerprint
from botproxy.traffic.merged import NODES, MergedCounts
from botproxy.traffic.profiles import Keys, Profiles, Seen, is_login, login_failed
from botproxy.traffic.records import Record, RecordError, decode, encode
from botproxy.traffic.referrals import Referrals
from botproxy.traffic.told import ToldError

__all__ = [
    "KEYS",
    "NODES",
    "NOWHERE",
    "CountedRule",
    "Keys",
    "MergedCounts",
    "Profiles",
    "RateCounts",
    "Record",
    "RecordError",
    "Referrals",
    "Seen",
    "ToldError",
    "decode",
    "encode",
    "header_fingerprint",
    "is_login",
    "login_failed",
]
