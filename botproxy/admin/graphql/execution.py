"""A request to `/client/v4/graphql`: read, bounded, checked, answered; faults in the original's envelope."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    execute,
    parse,
    specified_rules,
    validate,
)

from botproxy.admin.analytics import Analytics
from botproxy.admin.graphql.datasets import DATASETS
from botproxy.admin.graphql.filters import AskError
from botproxy.admin.graphql.neighbours import named
from botproxy.admin.graphql.resolving import MAX_FIELDS, Node, Session, confidence, rows
from botproxy.admin.graphql.schema import schema
from botproxy.admin.graphql.selection import selected
from botproxy.admin.graphql.variables import declared
from botproxy.admin.zones import ACCOUNT, zone_tag
from botproxy.store.events import MAX_LIMIT

MAX_TOKENS: Final = 5000
MAX_DEPTH: Final = 20
WHOLE_SECONDS: Final = 30.0

_LEFT_OUT: Final = ("VariablesInAllowedPositionRule", "NoUndefinedVariablesRule")
_RULES: Final = [rule for rule in specified_rules if rule.__name__ not in _LEFT_OUT]
"""A variable is what its first place says; that a text stands where a time is wanted is said when it is read. One that
stands in an argument of nothing is no fault of its own."""


class Reply(NamedTuple):
    """Status and body."""

    status: int
    body: dict[str, Any]


def prepared() -> None:
    """Read the schema now, so that no question waits for it."""
    _schema()


async def answer(analytics: Analytics, given: Any) -> Reply:
    """Answer the body of a request, as it was read from JSON. Never raises for what is in it."""
    if not isinstance(given, dict) or not isinstance(given.get("query"), str):
        return _fault('send {"query": "...", "variables": {...}}', 400)
    variables = given.get("variables") or {}
    if not isinstance(variables, dict):
        return _fault("error parsing args: variables is an object", 400)
    made = _schema()
    try:
        document = parse(given["query"], max_tokens=MAX_TOKENS)
        _bounded(document)
        document = declared(document, made)
    except GraphQLSyntaxError as error:
        return _faults([error], 400)
    except (AskError, RecursionError) as error:
        return _fault(str(error) or "the query nests too deeply", 400)
    problems = validate(made, document, _RULES, max_errors=20)
    if problems:
        return _faults(problems, 400)
    session = Session(analytics)
    known = {name: value for name, value in variables.items() if isinstance(name, str)}
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            running = execute(
                made,
                document,
                context_value=session,
                variable_values=known,
                operation_name=given.get("operationName") or None,
            )
            result = running if isinstance(running, ExecutionResult) else await running
    except TimeoutError:
        return _fault("query consumed excessive resources, please try running smaller queries", 429)
    if result.errors:
        return _faults(result.errors, max(_status(error) for error in result.errors))
    return Reply(200, {"data": result.data, "errors": None})


def _status(error: GraphQLError) -> int:
    original = error.original_error
    return original.status if isinstance(original, AskError) else 400 if original is None else 500


def _fault(text: str, status: int) -> Reply:
    return Reply(status, {"data": None, "errors": [{"message": text, "path": None, "extensions": _now()}]})


def _faults(errors: Any, status: int) -> Reply:
    shown = []
    for error in errors:
        text = named(error.message, _schema())
        if status == 500:
            text = "Internal server error"
        said: dict[str, Any] = {
            "message": text,
            "path": [str(step) for step in error.path] if error.path else None,
            "extensions": _now(),
        }
        if error.locations:
            said["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
        shown.append(said)
    return Reply(status, {"data": None, "errors": shown})


def _now() -> dict[str, str]:
    return {"timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def _bounded(document: DocumentNode) -> None:
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

    def depth(selection: SelectionSetNode | None, above: int, within: frozenset[str]) -> None:
        if above > MAX_DEPTH:
            raise AskError(f"a query nests at most {MAX_DEPTH} levels deep")
        for node in selection.selections if selection is not None else ():
            if isinstance(node, FieldNode):
                depth(node.selection_set, above + 1, within)
            elif isinstance(node, InlineFragmentNode):
                depth(node.selection_set, above, within)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in fragments and name not in within:  # whoever contains itself is refused by the checks
                    depth(fragments[name].selection_set, above, within | {name})

    if len(fragments) > 20:
        raise AskError("a query has at most 20 fragments")
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            depth(each.selection_set, 1, frozenset())


@lru_cache(maxsize=1)
def _schema() -> GraphQLSchema:
    made = schema()
    types: Any = made.type_map
    types["Query"].fields["viewer"].resolve = _viewer
    types["viewer"].fields["zones"].resolve = _zones
    types["viewer"].fields["accounts"].resolve = _accounts
    types["account"].fields["zones"].resolve = _zones
    types["viewer"].fields["budget"].resolve = lambda *_: 300
    types["Query"].fields["cost"].resolve = lambda *_: 1
    for name, dataset in DATASETS.items():
        types["zone"].fields[name].resolve = types["account"].fields[name].resolve = _dataset(name)
        types["zoneSettings"].fields[name].resolve = _settings(name)
        if dataset.grouped and dataset.counted:
            types[dataset.type].fields["confidence"].resolve = _confidence
    types["zone"].fields["settings"].resolve = lambda *_: {}
    return made


def _viewer(_root: Any, _info: GraphQLResolveInfo[Any]) -> dict[str, Any]:
    return {}


def _accounts(_viewer: Any, _info: GraphQLResolveInfo[Any], filter: Any = None, limit: Any = None) -> list[Any]:
    tag = (filter or {}).get("accountTag")
    if tag not in (None, ACCOUNT):
        raise AskError(f"accounts [{tag!s:.64}] are not authorized: the one account here is {ACCOUNT}", 403)
    return [{"accountTag": ACCOUNT}]


def _zones(
    _above: Any,
    info: GraphQLResolveInfo[Any],
    filter: Any = None,
    limit: Any = None,
    orderBy: Any = None,  # noqa: N803
) -> list[dict[str, str]]:
    session: Session = info.context
    return [{"zoneTag": zone_tag(name), "name": name} for name in session.zones(filter, limit, orderBy)]


def _dataset(name: str) -> Any:
    dataset = DATASETS[name]

    async def resolve(
        above: Mapping[str, str],
        info: GraphQLResolveInfo[Any],
        filter: Any = None,
        limit: Any = None,
        orderBy: Any = None,  # noqa: N803
    ) -> list[dict[str, Any]]:
        session: Session = info.context
        zones = (above["name"],) if "name" in above else tuple(session.analytics.zones)
        return await rows(session, Node(dataset, zones, filter, limit, orderBy or (), selected(info)))

    return resolve


def _confidence(row: Mapping[str, Any], _info: GraphQLResolveInfo[Any], level: Any) -> dict[str, Any]:
    return confidence(row["counts"], level)


def _settings(name: str) -> Any:
    dataset = DATASETS[name]
    fields = [f"dimensions_{each}" if dataset.grouped else each for each in dataset.dimensions]
    if dataset.grouped:
        fields += [f"{group}_{part.name}" for group, parts in dataset.parts.items() for part in parts]
        fields += [f"sum_{each.name}" for each in dataset.maps]
        if dataset.counted:
            fields.append("count")

    def resolve(_settings: Any, info: GraphQLResolveInfo[Any]) -> dict[str, Any]:
        session: Session = info.context
        seconds = int(session.analytics.seconds)
        return {
            "enabled": dataset.enabled and session.analytics.store is not None,
            "availableFields": sorted(fields),
            "maxDuration": seconds,
            "maxNumberOfFields": MAX_FIELDS,
            "maxPageSize": MAX_LIMIT,
            "notOlderThan": seconds,
        }

    return resolve
