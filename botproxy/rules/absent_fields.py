"""Fields of the original that this proxy cannot know: accepted by name and type, and always missing."""

from __future__ import annotations

from typing import Final

from botproxy.rules.types import ARRAY_BYTES, ARRAY_INT, BOOL, BYTES, INT, MAP_ARRAY_BYTES, MAP_ARRAY_INT, MAP_INT, Type

ABSENT: Final[tuple[tuple[str, Type], ...]] = (
    ("cf.api_gateway.auth_id_present", BOOL),
    ("cf.api_gateway.fallthrough_detected", BOOL),
    ("cf.api_gateway.request_violates_schema", BOOL),
    ("cf.edge.l4.delivery_rate", INT),
    ("cf.hostname.metadata", BYTES),
    ("cf.llm.prompt.custom_topic_categories", MAP_INT),
    ("cf.llm.prompt.detected", BOOL),
    ("cf.llm.prompt.injection_score", INT),
    ("cf.llm.prompt.pii_categories", ARRAY_BYTES),
    ("cf.llm.prompt.pii_detected", BOOL),
    ("cf.llm.prompt.token_count", INT),
    ("cf.llm.prompt.unsafe_topic_categories", ARRAY_BYTES),
    ("cf.llm.prompt.unsafe_topic_detected", BOOL),
    ("cf.sequence.current_op", BYTES),
    ("cf.sequence.msec_since_op", MAP_INT),
    ("cf.sequence.previous_ops", ARRAY_BYTES),
    ("cf.timings.client_quic_rtt_msec", INT),
    ("cf.timings.client_tcp_rtt_msec", INT),
    ("cf.timings.edge_msec", INT),
    ("cf.timings.worker_msec", INT),
    ("cf.waf.auth_detected", BOOL),
    ("cf.waf.content_scan.has_failed", BOOL),
    ("cf.waf.content_scan.has_malicious_obj", BOOL),
    ("cf.waf.content_scan.has_obj", BOOL),
    ("cf.waf.content_scan.num_malicious_obj", INT),
    ("cf.waf.content_scan.num_obj", INT),
    ("cf.waf.content_scan.obj_results", ARRAY_BYTES),
    ("cf.waf.content_scan.obj_sizes", ARRAY_INT),
    ("cf.waf.content_scan.obj_types", ARRAY_BYTES),
    ("cf.waf.credential_check.password_leaked", BOOL),
    ("cf.waf.credential_check.username_and_password_leaked", BOOL),
    ("cf.waf.credential_check.username_leaked", BOOL),
    ("cf.waf.credential_check.username_password_similar", BOOL),
    ("cf.waf.score", INT),
    ("cf.waf.score.class", BYTES),
    ("cf.waf.score.rce", INT),
    ("cf.waf.score.sqli", INT),
    ("cf.waf.score.xss", INT),
    ("http.request.jwt.claims.aud", MAP_ARRAY_BYTES),
    ("http.request.jwt.claims.aud.names", ARRAY_BYTES),
    ("http.request.jwt.claims.aud.values", ARRAY_BYTES),
    ("http.request.jwt.claims.iat.sec", MAP_ARRAY_INT),
    ("http.request.jwt.claims.iat.sec.names", ARRAY_BYTES),
    ("http.request.jwt.claims.iat.sec.values", ARRAY_INT),
    ("http.request.jwt.claims.iss", MAP_ARRAY_BYTES),
    ("http.request.jwt.claims.iss.names", ARRAY_BYTES),
    ("http.request.jwt.claims.iss.values", ARRAY_BYTES),
    ("http.request.jwt.claims.jti", MAP_ARRAY_BYTES),
    ("http.request.jwt.claims.jti.names", ARRAY_BYTES),
    ("http.request.jwt.claims.jti.values", ARRAY_BYTES),
    ("http.request.jwt.claims.nbf.sec", MAP_ARRAY_INT),
    ("http.request.jwt.claims.nbf.sec.names", ARRAY_BYTES),
    ("http.request.jwt.claims.nbf.sec.values", ARRAY_INT),
    ("http.request.jwt.claims.sub", MAP_ARRAY_BYTES),
    ("http.request.jwt.claims.sub.names", ARRAY_BYTES),
    ("http.request.jwt.claims.sub.values", ARRAY_BYTES),
)

UNKNOWABLE: Final = frozenset(name for name, _ in ABSENT)
"""Their names, for whoever warns of rules that use them."""
