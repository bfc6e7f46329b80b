"""Rules of all zones: each expression is compiled, and its fault shown where it stands in the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import TYPE_CHECKING

from botproxy.config.document import Document
from botproxy.config.document import Path as TreePath
from botproxy.config.explain import dotted
from botproxy.config.problems import Problem, Said, shown
from botproxy.config.tree import Config, ZoneSettings
from botproxy.rulesets.phases import WITHOUT_EFFECT
from botproxy.rulesets.presets import limits as preset_limits
from botproxy.rulesets.settings import RuleSettings

if TYPE_CHECKING:
    from botproxy.rules import Lists, RuleError
    from botproxy.rulesets import AccountRuleset, RateLimiter, ZoneRuleset


def expressions(document: Document, file: str, lists: Lists) -> Iterator[Problem]:
    """Every expression that does not compile, and every `ref` that a zone has twice.

    It reads the document and not the settings, so that faulty rules are told together with whatever else is wrong.
    """
    texts = [*_texts(document, "expression"), *_filters(document)]
    if texts:
        yield from _uncompiled(texts, document, file, lists)
    seen: dict[tuple[TreePath, str], TreePath] = {}
    for path, ref in _texts(document, "ref"):
        first = seen.setdefault((path[:2], ref), path)
        if first != path:
            what = f"a second rule with the ref {shown(ref)} in this {'zone' if path[0] == 'zones' else 'ruleset'}"
            right = f"another one: {dotted(first[:-1])} has this"
            yield Problem(file, *document.place(path).value, what, right, dotted(path))


def _uncompiled(
    texts: Iterable[tuple[TreePath, str]], document: Document, file: str, lists: Lists
) -> Iterator[Problem]:
    # Who only hands a source on, as the supervisor does, has no use for a compiler of rules.
    from botproxy.rules import RuleError, compile_expression

    for path, text in texts:
        try:
            compile_expression(text, lists=lists)
        except RuleError as error:
            mark = document.place(path).inside(error.start)
            yield Problem(file, *mark, miswritten(error), "", dotted(path))


def miswritten(error: RuleError) -> str:
    """What is wrong with an expression: the words, then its own line with carets, below the file's line and column."""
    line = str(error).partition("\n")[2].rpartition(error.message)[0].rstrip()
    return f"the expression is wrong: {error.message}\n{indent(line, '    ')}"


def rulesets(
    config: Config, document: Document, file: str, lists: Lists | None = None
) -> tuple[list[Problem], list[Problem]]:
    """What compiling all rules of a zone together says, for rules that are right one by one: problems and warnings.

    A rule is warned about when there is no condition in it that has to hold and can be looked up.
    """
    from botproxy.rulesets import RulesetError, compile_account, deployed

    problems: list[Problem] = []
    warnings: list[Problem] = []
    said: set[tuple[TreePath, str]] = set()

    def tell(error: RulesetError, zone: TreePath) -> None:
        for each in error.problems:
            path = each.place if each.place[0] == "rulesets" else (*zone, *each.place)
            if (path, each.message) not in said:  # account rulesets are looked at with each zone's
                said.add((path, each.message))
                if each.error is None:
                    what, _, right = each.message.partition(" — ")
                else:
                    what, right = miswritten(each.error), ""
                problems.append(Problem(file, *document.place(path).value, what, right, dotted(path)))

    try:
        account = compile_account(config.rulesets, lists)
    except RulesetError as error:
        tell(error, ())
        return problems, warnings
    for at, zone in enumerate(config.zones):
        unindexed: set[str] = set()
        try:
            limiter = rate_limiter(zone, lists)
            unindexed.update(limiter.unindexed if limiter is not None else ())
        except RulesetError as error:
            tell(error, ("zones", at))
        try:
            compiled = zone_ruleset(zone, deployed(account, zone.name), lists)
        except RulesetError as error:
            tell(error, ("zones", at))
            continue
        unindexed.update(compiled.unindexed)
        named = [("rules", position, rule.ref) for position, rule in enumerate(zone.rules)]
        named += [("rate_limits", position, limit.ref) for position, limit in enumerate(zone.rate_limits)]
        for key, position, ref in named:
            if ref in unindexed:
                path = ("zones", at, key, position, "expression")
                what = f"the rule {shown(ref)} is evaluated for every request"
                right = "if it can have one, a condition that must hold and compares a field, such as `http.host eq …`"
                warnings.append(Problem(file, *document.place(path).value, what, right, dotted(path)))
    return problems, warnings


def zone_ruleset(zone: ZoneSettings, account: Sequence[AccountRuleset], lists: Lists | None = None) -> ZoneRuleset:
    """Everything that judges this zone's requests, compiled; `account` are the account rulesets that hold for it.

    Raises RulesetError with all problems at once.
    """
    from botproxy.rulesets import ZoneRuleset

    return ZoneRuleset.compile(
        zone.rules,
        lists,
        account=account,
        presets=zone.presets,
        access=zone.access_rules,
        user_agents=zone.user_agent_rules,
        bot_management=zone.bot_management,
        js_detection=zone.js_detection_action,
    )


def rate_limiter(zone: ZoneSettings, lists: Lists | None = None) -> RateLimiter | None:
    """The rate limiting rules of this zone, compiled; None without any. Raises RulesetError with all problems at once.

    A ref stands in events, so a limit and a rule cannot have the same.
    """
    presets = preset_limits(zone.presets)
    if not zone.rate_limits and not presets:
        return None
    from botproxy.rulesets import RateLimiter

    taken = {rule.ref: f"rule {at + 1}" for at, rule in enumerate(zone.rules)}
    return RateLimiter.compile(zone.name, zone.rate_limits, lists, taken, presets)


def account_rulesets(config: Config) -> Iterator[Said]:
    """Every zone that an account ruleset names is there."""
    known = [zone.name for zone in config.zones]
    for at, ruleset in enumerate(config.rulesets):
        for nth, name in enumerate(ruleset.zones or ()):
            if name not in known:
                close = difflib.get_close_matches(name[:80], known, 1)
                right = f"did you mean `{close[0]}`?" if close else "the name of a zone: " + ", ".join(known[:10])
                yield Said(("rulesets", at, "zones", nth), f"there is no zone {shown(name)}", right)


def skips(config: Config) -> Iterator[Said]:
    """A skip of what does not exist here has no effect, which whoever moves over may want to know."""
    for base, rules in _rules(config):
        for at, rule in enumerate(rules):
            given = rule.action_parameters
            for key, words in (("phases", given.phases), ("products", given.products)):
                for nth, word in enumerate(words):
                    if word in WITHOUT_EFFECT:
                        yield Said(
                            (*base, at, "action_parameters", key, nth),
                            f"{shown(word)} has no effect: there is nothing of that name here",
                            "nothing, if meant",
                            warning=True,
                        )


def _rules(config: Config) -> Iterator[tuple[TreePath, Sequence[RuleSettings]]]:
    for at, ruleset in enumerate(config.rulesets):
        yield ("rulesets", at, "rules"), ruleset.rules
    for at, zone in enumerate(config.zones):
        yield ("zones", at, "rules"), zone.rules


def _filters(document: Document) -> Iterator[tuple[TreePath, str]]:
    jobs = document.value.get("logpush") if isinstance(document.value, dict) else None
    for at, job in enumerate(jobs if isinstance(jobs, list) else []):
        text = job.get("filter") if isinstance(job, dict) else None
        if isinstance(text, str) and text.strip():
            yield ("logpush", at, "filter"), text


def _texts(document: Document, key: str) -> Iterator[tuple[TreePath, str]]:
    tree = document.value
    for part in ("rulesets", "zones"):
        holders = tree.get(part) if isinstance(tree, dict) else None
        for at, holder in enumerate(holders if isinstance(holders, list) else []):
            if not isinstance(holder, dict):
                continue
            scope = holder.get(key) if part == "rulesets" else None
            if isinstance(scope, str):
                yield (part, at, key), scope
            rules = holder.get("rules")
            for nth, rule in enumerate(rules if isinstance(rules, list) else []):
                text = rule.get(key) if isinstance(rule, dict) else None
                if isinstance(text, str):
                    yield (part, at, "rules", nth, key), text
