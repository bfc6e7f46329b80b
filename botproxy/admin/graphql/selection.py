"""What a query selects below a node, so that nothing else is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
)
from graphql.execution.values import get_directive_values


def selected(info: GraphQLResolveInfo[Any]) -> dict[str, Any]:
    """Names of what is selected below this node, and what below that; aliases do not matter."""
    found: dict[str, Any] = {}
    for node in info.field_nodes:
        if node.selection_set is not None:
            _collect(node.selection_set, info, found)
    return found


def _collect(selection: SelectionSetNode, info: GraphQLResolveInfo[Any], found: dict[str, Any]) -> None:
    for node in _fields(selection, info):
        name = node.name.value
        if name == "__typename":
            continue
        below = found.setdefault(name, {})
        if node.selection_set is not None:
            _collect(node.selection_set, info, below)


def _fields(selection: SelectionSetNode, info: GraphQLResolveInfo[Any]) -> Iterator[FieldNode]:
    for node in selection.selections:
        skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
        include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
        if _argument(skip) is True or _argument(include) is False:
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, info)
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(info.fragments[node.name.value].selection_set, info)


def _argument(values: Any) -> Any:
    return None if values is None else values.get("if")
