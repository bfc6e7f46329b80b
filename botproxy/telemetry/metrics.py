"""The metrics page, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from botproxy.telemetry.counters import BUCKETS, Key
from botproxy.telemetry.totals import HistogramTotal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Shown(NamedTuple):
    name: str
    text: str
    labels: tuple[str, ...] = ()


COUNTERS: Final[dict[str, _Shown]] = {
    "requests": _Shown(
        "botproxy_requests",
        "Requests that were decided, by what was done with them.",
        ("zone", "status", "action", "group", "source"),
    ),
    "would": _Shown(
        "botproxy_would", "Requests in observe mode by what enforcing would have done.", ("zone", "action")
    ),
    "shadow": _Shown(
        "botproxy_shadow",
        "Matches of rules in shadow mode by what they would have done.",
        ("zone", "rule", "action"),
    ),
    "engine_failed": _Shown("botproxy_engine_failures", "Scoring engines that raised.", ("zone", "engine")),
    "scoring_failed": _Shown("botproxy_scoring_failed", "Requests without a score because scoring failed.", ("zone",)),
    "rules_unevaluated": _Shown(
        "botproxy_rules_unevaluated", "Rules passed over because the score that they use is missing.", ("zone",)
    ),
    "hook": _Shown(
        "botproxy_hook", "Requests that a zone's hook was asked about, by what came of it.", ("zone", "result")
    ),
    "hook_processes_ended": _Shown(
        "botproxy_hook_processes_ended", "Processes of hooks that ended or were ended, and are replaced.", ("zone",)
    ),
    "endings": _Shown("botproxy_endings", "Exchanges that did not simply finish.", ("zone", "ending")),
    "refused": _Shown("botproxy_refusals", "Requests refused before they were decided.", ("reason",)),
    "connections_accepted": _Shown("botproxy_connections_accepted", "Client connections accepted."),
    "handshakes": _Shown(
        "botproxy_handshakes", "Connections to TLS and PROXY listeners, by what became of them.", ("ending",)
    ),
    "http2_connections": _Shown("botproxy_http2_connections", "Client connections that agreed on HTTP/2."),
    "http2_broken": _Shown("botproxy_http2_broken", "Connections of HTTP/2 ended for a fault of the client's."),
    "http2_floods": _Shown(
        "botproxy_http2_floods", "Those of them that sent too much of something, by what it was.", ("kind",)
    ),
    "certificates_renewed": _Shown("botproxy_certificates_renewed", "Certificates loaded again, once in each worker."),
    "requests_read": _Shown("botproxy_requests_read", "Requests whose head was read and passed on to be decided."),
    "requests_refused": _Shown(
        "botproxy_requests_refused", "Requests and connections that were malformed or above a limit."
    ),
    "requests_retried": _Shown(
        "botproxy_requests_retried", "Requests sent once more because a kept connection to the origin was dead."
    ),
    "origin_connections_opened": _Shown("botproxy_origin_connections_opened", "Connections opened to origins."),
    "origin_connections_reused": _Shown(
        "botproxy_origin_connections_reused", "Requests sent on a connection to the origin that was open already."
    ),
    "handler_errors": _Shown("botproxy_handler_errors", "Exceptions while requests were handled; see the log."),
    "health": _Shown("botproxy_health_requests", "Requests to /livez and /readyz."),
    "challenges": _Shown("botproxy_challenges", "Challenges by what became of them.", ("zone", "result")),
    "reports": _Shown("botproxy_reports", "Reports of visitors by what became of them.", ("zone", "result")),
    "reports_written": _Shown("botproxy_reports_written", "Reports of visitors written to the data directory."),
    "reports_dropped": _Shown("botproxy_reports_dropped", "Reports of visitors that could not be written."),
    "alerts": _Shown("botproxy_alerts", "Alerts that were given."),
    "webhooks": _Shown("botproxy_webhooks", "Alerts for webhooks, by whether they could be posted.", ("result",)),
    "javascript_pages": _Shown(
        "botproxy_javascript_pages",
        "Pages for visitors without a result of JavaScript detections, by whether they got the script or why not.",
        ("zone", "result"),
    ),
    "javascript_reports": _Shown(
        "botproxy_javascript_reports", "Reports of JavaScript detections by what became of them.", ("zone", "result")
    ),
    "javascript_detections": _Shown(
        "botproxy_javascript_detections", "Signs of automation in reports that failed.", ("zone", "tag")
    ),
    "challenge_rules": _Shown(
        "botproxy_challenge_rules",
        "Challenges by the rule that asked for them; solved by issued is the Challenge Solve Rate.",
        ("zone", "rule", "result"),
    ),
    "widget": _Shown(
        "botproxy_widget", "What the widget for forms and siteverify were asked, by the answer.", ("zone", "result")
    ),
    "bot_claims": _Shown(
        "botproxy_bot_claims", "Requests of known bots, by whether that is what they are.", ("zone", "status")
    ),
    "bot_names": _Shown(
        "botproxy_bot_names", "Questions to DNS about who is a bot, by what came of them.", ("result",)
    ),
    "robots_disobeyed": _Shown(
        "botproxy_robots_disobeyed",
        "Requests of bots that say they obey robots.txt, which asks them to stay away.",
        ("zone", "purpose"),
    ),
    "rate_limit_uncounted": _Shown(
        "botproxy_rate_limit_uncounted", "Requests that no rate limit counted because there was no room for their key."
    ),
    "rate_limit_evicted": _Shown(
        "botproxy_rate_limit_evicted", "Counters of rate limits that gave way to others while they still counted."
    ),
    "rate_limit_deferred": _Shown(
        "botproxy_rate_limit_deferred", "Counters that workers told each other of a quarter of a second late."
    ),
    "rate_limit_unmerged": _Shown(
        "botproxy_rate_limit_unmerged", "Counters that workers could not tell each other of for lack of room."
    ),
    "profiles_evicted": _Shown(
        "botproxy_profiles_evicted", "Callers that were forgotten while they still counted, for lack of room."
    ),
    "profiles_refused": _Shown("botproxy_profiles_refused", "Requests of callers that found no room to be remembered."),
    "profiles_untold": _Shown(
        "botproxy_profiles_untold", "Callers of whom one worker alone knows because too many waited to be told."
    ),
    "profiles_deferred": _Shown(
        "botproxy_profiles_deferred", "Callers whom workers told each other of a quarter of a second late."
    ),
    "profiles_unheard": _Shown(
        "botproxy_profiles_unheard", "Messages of callers that a worker or other nodes were not told in time."
    ),
    "anomalies": _Shown(
        "botproxy_anomalies", "Callers and groups that were found to stand out.", ("zone", "kind", "where")
    ),
    "anomalies_refused": _Shown(
        "botproxy_anomalies_refused", "Callers that were found and not held, because too many were.", ("zone",)
    ),
    "anomaly_failures": _Shown(
        "botproxy_anomaly_failures", "Batches of events that anomaly detection could not learn from."
    ),
    "events_dropped": _Shown(
        "botproxy_events_dropped", "Events that were not recorded, by where they got lost.", ("where",)
    ),
    "events_written": _Shown("botproxy_events_written", "Events written to the file."),
    "events_stored": _Shown("botproxy_events_stored", "Events stored to be asked for."),
    "events_sampled_out": _Shown(
        "botproxy_events_sampled_out", "Events that others in the store stand for, because there were too many."
    ),
    "logpush_sent": _Shown("botproxy_logpush_sent", "Records that a job's destination took.", ("job",)),
    "logpush_failures": _Shown("botproxy_logpush_failures", "Attempts to send a batch that failed.", ("job",)),
    "logpush_dropped": _Shown(
        "botproxy_logpush_dropped", "Records, or events, that a job did not send, by why.", ("job", "why")
    ),
    "asks_failed": _Shown("botproxy_asks_failed", "Questions of workers that the supervisor did not answer.", ("why",)),
    "store_refused": _Shown("botproxy_store_refused", "Keys refused because the store was full of live ones."),
    "state_alone": _Shown(
        "botproxy_state_alone", "What was done on this node alone because shared state was away.", ("what",)
    ),
    "state_lost": _Shown("botproxy_state_lost", "Times that shared state went away."),
    "state_told": _Shown("botproxy_state_told", "Messages of counters to other nodes."),
    "state_heard": _Shown("botproxy_state_heard", "Messages of counters from other nodes."),
    "state_refused": _Shown("botproxy_state_refused", "Messages of other nodes that could not be taken."),
    "training": _Shown("botproxy_training", "Steps of constant training, by what they did.", ("what",)),
    "worker_restarts": _Shown("botproxy_worker_restarts", "Workers that died and were replaced."),
    "reloads": _Shown("botproxy_reloads", "Reloads of the configuration.", ("result",)),
    "counters_overflow": _Shown("botproxy_counters_overflow", "Counts that found no room for their labels."),
}
"""Short name, as the first word of a counter's key -> how it is shown; the rest of the key are its labels."""

GAUGES: Final[dict[str, _Shown]] = {
    "connections": _Shown("botproxy_connections", "Client connections now."),
    "handshakes_unfinished": _Shown(
        "botproxy_handshakes_unfinished", "Connections now that have not finished their TLS handshake or PROXY header."
    ),
    "certificates_failing": _Shown(
        "botproxy_certificates_failing", "Certificates whose files changed and cannot be used; the old ones go on."
    ),
    "requests_in_flight": _Shown("botproxy_requests_in_flight", "Requests being answered now."),
    "rate_limit_keys": _Shown("botproxy_rate_limit_keys", "Counters of rate limits in all workers now."),
    "event_store_open": _Shown("botproxy_event_store_open", "1 while events can be stored, 0 while they are dropped."),
    "event_store_bytes": _Shown("botproxy_event_store_bytes", "Size of the event store."),
    "event_store_waiting": _Shown("botproxy_event_store_waiting", "Events that wait to be stored."),
    "event_store_spilled": _Shown("botproxy_event_store_spilled", "Those of them that wait on disk."),
    "event_store_spilled_bytes": _Shown("botproxy_event_store_spilled_bytes", "What these have on disk."),
    "event_store_spilled_seconds": _Shown(
        "botproxy_event_store_spilled_seconds", "For how long the oldest of these waits."
    ),
    "event_store_interval": _Shown(
        "botproxy_event_store_sample_interval", "How many ordinary requests a stored one stands for now."
    ),
    "logpush_waiting": _Shown("botproxy_logpush_waiting_bytes", "What waits for the destinations of all jobs."),
    "logpush_spilled": _Shown("botproxy_logpush_spilled_bytes", "What waits on disk for a destination.", ("job",)),
    "logpush_spilled_events": _Shown("botproxy_logpush_spilled_events", "Records in that.", ("job",)),
    "logpush_spilled_seconds": _Shown(
        "botproxy_logpush_spilled_seconds", "For how long the oldest of these waits.", ("job",)
    ),
    "profile_keys": _Shown("botproxy_profile_keys", "Callers, fingerprints and paths that all workers remember now."),
    "anomaly_callers": _Shown("botproxy_anomaly_callers", "Callers and groups that are held found now.", ("zone",)),
    "anomaly_learned_seconds": _Shown(
        "botproxy_anomaly_learned_seconds", "For how long the usual traffic has been learned.", ("zone",)
    ),
    "anomaly_visits": _Shown("botproxy_anomaly_visits", "Ordinary visits that were learned from.", ("zone",)),
    "anomaly_silent_seconds": _Shown(
        "botproxy_anomaly_silent_seconds", "How long anomaly detection will still only learn.", ("zone",)
    ),
    "anomaly_unsuited": _Shown(
        "botproxy_anomaly_unsuited", "1 where the traffic is not what anomaly detection is made for.", ("zone",)
    ),
    "training_seconds": _Shown("botproxy_training_seconds", "How long the last step of constant training took."),
    "training_model": _Shown("botproxy_training_model", "Number of the model that it was about."),
    "model_drift": _Shown(
        "botproxy_model_drift", "Population stability index of what moved most since the model in use was judged."
    ),
    "workers": _Shown("botproxy_workers", "Workers that serve now."),
    "generations": _Shown("botproxy_generations", "Configurations with workers now; two while one drains."),
    "generation": _Shown("botproxy_generation", "Number of the configuration that serves, from 1."),
    "overlay_differs": _Shown("botproxy_overlay_differs", "Whether changes of the other nodes cannot be used here."),
    "state_reachable": _Shown("botproxy_state_reachable", "Whether shared state answers: 1, or 0 when it is away."),
    "state_nodes": _Shown("botproxy_state_nodes", "Other nodes heard of since state is shared."),
    "under_attack": _Shown("botproxy_zones_under_attack", "Zones whose every new visitor is challenged now."),
    "start_time": _Shown("botproxy_start_time_seconds", "When the supervisor started, in seconds since 1970."),
}

HISTOGRAMS: Final[dict[str, _Shown]] = {
    "decide_seconds": _Shown("botproxy_decide_seconds", "Time to decide on one request."),
    "request_seconds": _Shown("botproxy_request_seconds", "Time from a request's head to the end of its response."),
}


def render(
    counts: Mapping[Key, int],
    gauges: Mapping[str, float],
    histograms: Iterable[tuple[str, HistogramTotal]],
    labelled: Mapping[Key, float] | None = None,
) -> bytes:
    """The page. Keys of no known counter are left out, so that a worker of another version does no harm."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Collector([*_counters(counts), *_gauges(gauges), *_labelled(labelled or {}), *_histograms(histograms)])
    )
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counters(counts: Mapping[Key, int]) -> Iterable[Metric]:
    families = {
        short: CounterMetricFamily(shown.name, shown.text, labels=shown.labels) for short, shown in COUNTERS.items()
    }
    for key, number in sorted(counts.items()):
        shown = COUNTERS.get(key[0])
        if shown is not None and len(shown.labels) == len(key) - 1:
            families[key[0]].add_metric(key[1:], number)
    for short, shown in COUNTERS.items():
        if not shown.labels and (short,) not in counts:
            families[short].add_metric((), 0)
    return families.values()


def _gauges(gauges: Mapping[str, float]) -> Iterable[Metric]:
    return [
        GaugeMetricFamily(shown.name, shown.text, value=gauges[short])
        for short, shown in GAUGES.items()
        if short in gauges
    ]


def _labelled(gauges: Mapping[Key, float]) -> Iterable[Metric]:
    families: dict[str, GaugeMetricFamily] = {}
    for key, number in sorted(gauges.items()):
        shown = GAUGES[key[0]]
        family = families.get(key[0])
        if family is None:
            families[key[0]] = family = GaugeMetricFamily(shown.name, shown.text, labels=shown.labels)
        family.add_metric(key[1:], number)
    return families.values()


def _histograms(histograms: Iterable[tuple[str, HistogramTotal]]) -> Iterable[Metric]:
    for short, histogram in histograms:
        shown = HISTOGRAMS[short]
        buckets: list[tuple[str, float]] = []
        below = 0
        for bound, number in zip((*BUCKETS[short], float("inf")), histogram.counts, strict=True):
            below += number
            buckets.append(("+Inf" if bound == float("inf") else repr(bound), below))
        yield HistogramMetricFamily(shown.name, shown.text, buckets=buckets, sum_value=histogram.total)
