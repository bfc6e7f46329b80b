"""Variables as people write them for the original: undeclared, or declared as `string`, `String`, `filter` alike.

What a variable is follows from where it stands. So every declaration is written anew from there, before the query is
checked; a variable that stands nowhere keeps its own, as far as that type exists.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLSchema,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    parse_type,
    visit,
)


class _Places(Visitor):
    """Collects the type of every place where a variable stands."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.types: dict[str, Any] = {}
        self.names: dict[str, None] = {}

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        """Not a place where one stands."""
        return False

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """A variable in an argument."""
        name = node.name.value
        self.names[name] = None
        kind = self._info.get_input_type()
        if kind is not None:
            self.types.setdefault(name, kind)


def declared(document: DocumentNode, schema: GraphQLSchema) -> DocumentNode:
    """The document with each variable declared as what stands in its place."""
    info = TypeInfo(schema)
    places = _Places(info)
    visit(document, TypeInfoVisitor(info, places))
    definitions: list[Any] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            definitions.append(_declared(definition, places, schema))
        else:
            definitions.append(definition)
    return DocumentNode(definitions=tuple(definitions), loc=document.loc)


def _declared(operation: OperationDefinitionNode, places: _Places, schema: GraphQLSchema) -> OperationDefinitionNode:
    given = {each.variable.name.value: each for each in operation.variable_definitions or ()}
    made = []
    for name in places.names:
        kind = places.types.get(name)
        before = given.get(name)
        if kind is None:
            if before is not None and _known(before.type, schema):
                made.append(before)
            continue
        made.append(
            VariableDefinitionNode(
                variable=VariableNode(name=NameNode(value=name)),
                type=parse_type(str(get_nullable_type(kind))),
                default_value=before.default_value if before is not None else None,
                directives=(),
            )
        )
    return OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        directives=operation.directives,
        variable_definitions=tuple(made),
        selection_set=operation.selection_set,
        loc=operation.loc,
    )


def _known(node: Any, schema: GraphQLSchema) -> bool:
    while not isinstance(node, NamedTypeNode):
        node = node.type
    return node.name.value in schema.type_map
