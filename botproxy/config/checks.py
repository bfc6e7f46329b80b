"""What no single room can see: names that clash, files that do not fit together, settings that contradict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from botproxy.config import anomalies, bots, bounds, certificates, cloudflare, endpoints, files, rules, sites
from botproxy.config.document import Document, Mark, Path
from botproxy.config.explain import dotted
from botproxy.config.fingerprints import fingerprints
from botproxy.config.hooks import hooks
from botproxy.config.logpush import logpush
from botproxy.config.models import model
from botproxy.config.pages import pages
from botproxy.config.problems import Problem, Said
from botproxy.config.rules import expressions, rulesets
from botproxy.config.sitekeys import sitekeys
from botproxy.config.tls_clients import tls_clients
from botproxy.config.tree import Config

__all__ = ["Review", "expressions", "review", "rulesets"]


class Review(NamedTuple):
    """What the checks found."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


Check = Callable[[Config], Iterator[Said]]

# In the order in which an operator would read the file.
CHECKS: Final[tuple[Check, ...]] = (
    endpoints.listeners,
    endpoints.admin,
    certificates.certificates,
    files.data,
    files.events,
    logpush,
    files.secrets,
    files.tokens,
    files.webhooks,
    files.outgoing,
    files.fingerprints,
    tls_clients,
    model,
    files.authorities,
    files.places,
    files.state,
    files.alone,
    bots.files,
    bounds.limits,
    bounds.open_files,
    bounds.timeouts,
    endpoints.forwarding,
    sites.names,
    sites.hosts,
    sites.unknown_host,
    sites.origins,
    sites.cookie_domains,
    cloudflare.names,
    cloudflare.collisions,
    certificates.names,
    certificates.redirects,
    sites.javascript_detections,
    sites.idle,
    anomalies.sessions,
    anomalies.traffic,
    rules.account_rulesets,
    sitekeys,
    rules.skips,
    hooks,
)


def review(config: Config, document: Document, file: str, counts: Callable[[Path], bool] = lambda _: True) -> Review:
    """Everything that is wrong with, or doubtful about, settings that are right one by one.

    Where `counts` denies a path, nothing is said of it.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for check in CHECKS:
        for said in filter(lambda said: counts(said.path), check(config)):
            place = document.place(said.path)
            mark: Mark = place.key if said.on_key else place.value
            problem = Problem(file, *mark, said.what, said.right, dotted(said.path))
            (warnings if said.warning else problems).append(problem)
    if counts(("scoring", "heuristics")):
        problems.extend(fingerprints(config, document, file))
    problems.extend(problem for path, problem in pages(config, document, file) if counts(path))
    if counts(("bots",)):
        problems.extend(bots.directory(config, document, file))
    return Review(tuple(problems), tuple(warnings))
