"""The schema, written from the datasets under the names that the original's types have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from graphql import GraphQLSchema, build_schema

from botproxy.admin.graphql.datasets import DATASETS, Dataset, Dimension, Map

_SCALARS = ("string", "uint8", "uint16", "uint32", "uint64", "float64", "Time", "Date")

_COMPARED = ("", "_gt", "_geq", "_lt", "_leq", "_neq")
_LISTS = ("_in", "_notin")


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The schema. Scalars take any plain value: what fits a field is said where filters are read."""
    made = build_schema(sdl())
    for name in _SCALARS:
        scalar: Any = made.type_map[name]
        scalar.serialize = scalar.parse_value = _same
        for attribute in ("coerce_output_value", "coerce_input_value"):
            if hasattr(scalar, attribute):
                setattr(scalar, attribute, _same)
    return made


def _same(value: Any) -> Any:
    return value


def sdl() -> str:
    """The schema in GraphQL's own language."""
    parts = [f"scalar {name}" for name in _SCALARS]
    datasets = "\n".join(_node(each) for each in DATASETS.values())
    settings = "\n".join(f"  {name}: settings" for name in DATASETS)
    parts.append("type Query { viewer: viewer! cost: uint64 }")
    parts.append(
        '"Who asks."\ntype viewer { budget: uint64 '
        "zones(filter: ZonesFilter_InputObject, limit: uint64, orderBy: [ZonesOrderBy!]): [zone!]! "
        "accounts(filter: AccountsFilter_InputObject, limit: uint64): [account!]! }"
    )
    parts.append(
        '"The datasets of all zones together."\ntype account { accountTag: string! '
        f"zones(filter: ZonesFilter_InputObject, limit: uint64, orderBy: [ZonesOrderBy!]): [zone!]!\n{datasets}\n}}"
    )
    parts.append("input AccountsFilter_InputObject { accountTag: string }")
    parts.append("input ZonesFilter_InputObject { zoneTag: string zoneTag_gt: string zoneTag_in: [string] }")
    parts.append("enum ZonesOrderBy { zoneTag_ASC zoneTag_DESC }")
    parts.append(f"type zone {{\n  zoneTag: string!\n  settings: zoneSettings\n{datasets}\n}}")
    parts.append(f"type zoneSettings {{\n{settings}\n}}")
    parts.append(
        "type settings { enabled: Boolean! availableFields: [string!]! maxDuration: uint64! maxNumberOfFields: uint64! "
        "maxPageSize: uint64! notOlderThan: uint64! }"
    )
    parts.append("type metadata { key: string! value: string! }")
    parts.append("type confidenceInterval { estimate: float64! lower: float64! upper: float64! sampleSize: uint64! }")
    for each in DATASETS.values():
        parts.extend(_types(each))
    parts.extend(_map_types())
    return "\n\n".join(parts)


def _node(dataset: Dataset) -> str:
    kind = dataset.type
    return (
        f'  "{dataset.about}"\n  {dataset.name}(filter: {kind}Filter_InputObject, limit: uint64, '
        f"orderBy: [{kind}OrderBy!]): [{kind}!]!"
    )


def _types(dataset: Dataset) -> Iterator[str]:
    kind = dataset.type
    yield _filter(dataset)
    yield f"enum {kind}OrderBy {{ {' '.join(order_names(dataset))} }}"
    dimensions = "\n".join(f"  {each.name}: {_shown(each)}!" for each in dataset.dimensions.values())
    if not dataset.grouped:
        metadata = "\n  metadata: [metadata!]!" if dataset.scope == "security" else ""
        yield f"type {kind} {{\n{dimensions}{metadata}\n}}"
        return
    nodes = [f"  dimensions: {kind}Dimensions"]
    if dataset.counted:
        nodes.append("  count: uint64!")
        nodes.append(f"  confidence(level: float64!): {kind}Confidence")
    for group, parts in dataset.parts.items():
        name = f"{kind}{group.capitalize()}"
        nodes.append(f"  {group}: {name}")
        lines = [f"  {part.name}: {part.scalar}!" for part in parts]
        if group == "sum":
            lines += [f"  {each.name}: [{_map_type(each)}!]!" for each in dataset.maps]
        yield f"type {name} {{\n" + "\n".join(lines) + "\n}"
    newline = "\n"
    yield f"type {kind} {{\n{newline.join(nodes)}\n}}"
    yield f"type {kind}Dimensions {{\n{dimensions}\n}}"
    if dataset.counted:
        yield f"type {kind}Confidence {{ level: float64! count: confidenceInterval }}"


def _shown(dimension: Dimension) -> str:
    return f"[{dimension.scalar}!]" if dimension.many else dimension.scalar


def _filter(dataset: Dataset) -> str:
    kind = f"{dataset.type}Filter_InputObject"
    lines = [f"  AND: [{kind}]", f"  OR: [{kind}]"]
    for each in dataset.dimensions.values():
        if each.many:
            lines.append(f"  {each.name}_has: {each.scalar}")
            lines += [f"  {each.name}{operator}: [{each.scalar}]" for operator in ("_hasall", "_hasany")]
            continue
        lines += [f"  {each.name}{operator}: {each.scalar}" for operator in _COMPARED]
        lines += [f"  {each.name}{operator}: [{each.scalar}]" for operator in _LISTS]
        if each.scalar == "string":
            lines += [f"  {each.name}{operator}: string" for operator in ("_like", "_notlike")]
    return f"input {kind} {{\n" + "\n".join(lines) + "\n}"


def order_names(dataset: Dataset) -> list[str]:
    """The words of `orderBy`."""
    names = [each.name for each in dataset.dimensions.values() if not each.many]
    if dataset.grouped:
        if dataset.counted:
            names.append("count")
        names += [
            f"{group}_{part.name}" for group, parts in dataset.parts.items() if group != "ratio" for part in parts
        ]
    return [f"{name}_{direction}" for name in names for direction in ("ASC", "DESC")]


def _map_type(each: Map) -> str:
    return f"Zone{each.name[0].upper()}{each.name[1:]}Entry"


def _map_types() -> Iterator[str]:
    seen: dict[str, Map] = {each.name: each for dataset in DATASETS.values() for each in dataset.maps}
    for each in seen.values():
        lines = [f"  {each.key}: {each.scalar}!", *(f"  {part.name}: {part.scalar}!" for part in each.parts)]
        yield f"type {_map_type(each)} {{\n" + "\n".join(lines) + "\n}"
