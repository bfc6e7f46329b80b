"""The rules language: text to typed tree to closure, and many expressions answered together."""

from botproxy.rules.absent_fields import UNKNOWABLE
from botproxy.rules.body_fields import without_body
from botproxy.rules.body_needs import BodyNeed, bytes_needed, joined_needs
from botproxy.rules.errors import RuleError
from botproxy.rules.expression import Expression, compile_expression
from botproxy.rules.expression_set import ExpressionSet
from botproxy.rules.fields import FIELDS, FINGERPRINT_FIELDS, fingerprint_fields
from botproxy.rules.list_builder import named_list
from botproxy.rules.lists import Lists, NamedList
from botproxy.rules.scheme import FieldSpec, Scheme
from botproxy.rules.tls_client import claimed_tls_client
from botproxy.rules.value import Value, compile_value

__all__ = [
    "FIELDS",
    "FINGERPRINT_FIELDS",
    "UNKNOWABLE",
    "BodyNeed",
    "Expression",
    "ExpressionSet",
    "FieldSpec",
    "Lists",
    "NamedList",
    "RuleError",
    "Scheme",
    "Value",
    "bytes_needed",
    "claimed_tls_client",
    "compile_expression",
    "compile_value",
    "fingerprint_fields",
    "joined_needs",
    "named_list",
    "without_body",
]
