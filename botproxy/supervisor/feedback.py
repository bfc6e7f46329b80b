"""What operators say of scores under the original's names: its bot settings over the overlay, and its feedback."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Final, Literal, final

import orjson
from pydantic import ConfigDict, Field, ValidationError, model_validator

from botproxy.admin.misread import said
from botproxy.admin.operator import Operator
from botproxy.config.overlay.changes import STEPS
from botproxy.errors import OperatorError
from botproxy.rulesets.bot_management import REFUSED
from botproxy.schema import Section
from botproxy.store import labels
from botproxy.store.labels import Label
from botproxy.store.lines import Lines
from botproxy.supervisor.configuring import Configuring

FILE: Final = Lines("feedback", rotate_size=4 * 1024 * 1024, keep_files=4, durable=True)
MAX_SHOWN: Final = 1000

SCORE: Final = "cf.bot_management.score"
ALLOWED: Final = frozenset(
    (
        SCORE,
        "cf.bot_management.ja3_hash",
        "cf.bot_management.ja4",
        "http.host",
        "http.request.uri.path",
        "http.user_agent",
        "ip.src",
        "ip.src.asnum",
        "ip.src.country",
    )
)
"""Fields that feedback may name (reference section 7), and JA4 beside them."""

SUBTYPES: Final = (
    *("Account Creation Abuse", "Ad Fraud", "Credit Card Abuse", "Cashing Out", "Login Abuse", "Inventory Abuse"),
    *("Denial of Service", "Expediting", "Fuzzing", "Scraping", "Spamming", "Token Cracking", "Vulnerability Scanning"),
)
READ_ONLY: Final = frozenset(("using_latest_model", "stale_zone_configuration"))

_RIGHT: Final = (
    '{"type": "false_positive" | "false_negative", "description": TEXT, "expression": TEXT, "first_request_seen_at": '
    '"2026-01-31T00:00:00Z", "last_request_seen_at": …, "requests": 75, "requests_by_score": {"1": 50}, '
    '"requests_by_score_src": {"heuristics": 25}, "requests_by_attribute": {"topIPs": [{"metric": …, "requests": 1}]}}'
)

Count = Annotated[int, Field(ge=0, le=10**15)]


class Top(Section):
    """One value, and how many requests had it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Annotated[str, Field(max_length=1024)]
    requests: Count


class Feedback(Section):
    """Body of `POST …/feedback`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["false_positive", "false_negative"]
    description: Annotated[str, Field(max_length=2000)] = ""
    expression: Annotated[str, Field(min_length=1, max_length=4096)]
    first_request_seen_at: datetime
    last_request_seen_at: datetime
    requests: Count = 0
    requests_by_score: Annotated[dict[str, Count], Field(max_length=100, default_factory=dict)]
    requests_by_score_src: Annotated[dict[str, Count], Field(max_length=20, default_factory=dict)]
    requests_by_attribute: Annotated[
        dict[str, Annotated[list[Top], Field(max_length=50)]], Field(max_length=30, default_factory=dict)
    ]
    subtype: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Feedback:
        times = (self.first_request_seen_at, self.last_request_seen_at)
        if any(each.tzinfo is None for each in times):
            raise ValueError("times need a time zone, such as 2026-01-31T00:00:00Z")
        if times[1] < times[0]:
            raise ValueError("last_request_seen_at is before first_request_seen_at")
        if any(not key.isdecimal() or not 1 <= int(key[:3]) <= 99 for key in self.requests_by_score):
            raise ValueError("requests_by_score counts requests by score, 1 to 99")
        if self.subtype is not None and (self.type != "false_negative" or self.subtype not in SUBTYPES):
            raise ValueError(f"subtype is of a false_negative: {', '.join(SUBTYPES)}")
        return self


class Refusal(OperatorError):  # noqa: N818 - what came of a change
    """A change was not taken; `problems` says why, each on its own."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@final
class FeedbackDesk:
    """See `admin.bot_management.BotManagement`."""

    def __init__(
        self, data: Callable[[], Path], configuring: Configuring, named: Callable[[], bool] = lambda: False
    ) -> None:
        """`named` says whether the configuration names the file of a model."""
        self._named: Final = named
        self._data: Final = data
        self._configuring: Final = configuring
        self._writing: Final = asyncio.Lock()

    async def settings(self, operator: Operator, zone: str) -> dict[str, Any]:
        """See `BotManagement`."""
        view = await self._configuring.view(operator)
        found = next((each for each in view["zones"] if each["name"] == zone), None)
        if found is None:
            raise OperatorError(f"there is no zone {zone!r}")
        own = "bot_management."
        settings = {
            row["path"].removeprefix(own): row["value"] for row in found["settings"] if row["path"].startswith(own)
        }
        latest = await asyncio.to_thread(self._latest, bool(settings.get("auto_update_model", True)))
        return {**settings, "bm_cookie_enabled": found.get("bm_cookie_enabled", True), "using_latest_model": latest}

    def _latest(self, updates: bool) -> bool:
        """Whether a zone is scored by the newest of the models that were ever taken into use."""
        if self._named():
            return True  # the one that an operator named is the only one
        from botproxy.scoring.ml.registry import Registry, RegistryError

        try:
            state = Registry(self._data()).state()
        except RegistryError:
            return False  # the shipped one scores until the file is mended
        return (state.active if updates else state.chosen) == max((state.active, state.chosen, *state.before))

    async def set(self, operator: Operator, zone: str, body: bytes) -> dict[str, Any]:
        """See `BotManagement`."""
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise OperatorError(f"the body is no JSON: {error}") from None
        if not isinstance(given, dict) or not given:
            raise OperatorError('send the settings that change, such as {"fight_mode": true}')
        wanted = {str(name): value for name, value in given.items() if name not in READ_ONLY}
        now = await self.settings(operator, zone)
        # What a client sends back as it got it is no change.
        wanted = {name: value for name, value in wanted.items() if name not in now or value != now[name]}
        refused = [f"{name}: {REFUSED[name]}" for name in wanted if name in REFUSED]
        if refused:
            raise Refusal(refused)
        unknown = [f"there is no setting {name!r}; there is {', '.join(now)}" for name in wanted if name not in now]
        if unknown:
            raise Refusal(unknown)
        steps = [
            {"op": "set", "zone": zone, "path": f"bot_management.{name}", "value": value}
            for name, value in wanted.items()
            if value != now[name]
        ]
        if not steps:
            return now
        if any(step["value"] is None for step in steps):
            raise OperatorError("null is no value of a setting")
        made = await self._configuring.take(operator, STEPS.validate_python(steps))
        if not made["ok"]:
            raise Refusal([str(problem["text"]) for problem in made["problems"]])
        return {**await self.settings(operator, zone), "change": made}

    async def feedback(self, operator: Operator, zone: str) -> list[dict[str, Any]]:
        """See `BotManagement`."""

        def latest() -> list[dict[str, Any]]:
            rows = (row for row in FILE.read(self._data()) if row.get("zone") == zone and operator.sees(zone))
            return [{k: v for k, v in row.items() if k != "zone"} for row in deque(rows, maxlen=MAX_SHOWN)][::-1]

        return await asyncio.to_thread(latest)

    async def add_feedback(self, operator: Operator, zone: str, body: bytes) -> dict[str, Any]:
        """See `BotManagement`."""
        try:
            given = Feedback.model_validate_json(body)
        except ValidationError as error:
            raise OperatorError(said(error, _RIGHT)) from None
        fields = await self._configuring.fields(given.expression)
        if not fields <= ALLOWED:
            foreign = ", ".join(sorted(fields - ALLOWED))
            raise OperatorError(f"feedback cannot be about {foreign}; it can about {', '.join(sorted(ALLOWED))}")
        if SCORE not in fields:
            raise OperatorError(f"the expression has to say which scores it is about: {SCORE} …")
        now = time.time()
        row = {"id": token_hex(16), "created_at": now, **given.model_dump(mode="json", exclude_none=True)}
        label = Label(
            now,
            zone,
            "human" if given.type == "false_positive" else "bot",
            operator.name,
            expression=given.expression,
            since=given.first_request_seen_at.timestamp(),
            until=given.last_request_seen_at.timestamp(),
            source="feedback",
            note=given.description[:1000],
        )

        def write() -> None:
            FILE.append(self._data(), [orjson.dumps({**row, "zone": zone, "who": operator.name})])
            labels.append(self._data(), [label])

        async with self._writing:
            try:
                await asyncio.to_thread(write)
            except OSError as error:
                raise OperatorError(f"it could not be written down: {error.strerror or error}") from None
        return row
