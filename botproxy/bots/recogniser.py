"""Whether a request comes from a bot that it says it is, judged by what is known; nothing here waits or asks.

One way of verifying that succeeds is enough. A claim is refused only when every way that there is says no and means it:
a list that is stale, a resolver that is away or a question that is still open make it unverified, which is no verdict.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from botproxy.bots.categories import ai_purpose
from botproxy.bots.directory import Bot, Directory
from botproxy.bots.knowledge import AGAIN, KEYS, NAMES, ONCE, Knowledge, Question
from botproxy.bots.settings import Settings
from botproxy.bots.signatures import (
    WEB_BOT_AUTH,
    Signature,
    covers_enough,
    genuine,
    out_of_time,
    read_signatures,
    signature_base,
)
from botproxy.model import BotClaim, Client, Detection, Headers, Request, VerifiedBot

_FAMILY: Final = 0x2000000
IMPOSTOR: Final = _FAMILY | 0x7F0001
FORGED: Final = _FAMILY | 0x7F0002
EXPIRED: Final = _FAMILY | 0x7F0003
REPLAYED: Final = _FAMILY | 0x7F0004
"""Detection ids, from the numbers of heuristics; files of fingerprints stay below them."""

_MEMO: Final = "bots"

_YES: Final = 2
_OPEN: Final = 1  # a question is open
_MAYBE: Final = 0  # nobody can tell
_NO: Final = -1


class Recognition(NamedTuple):
    """What is said of a request that claims something. At most one of `bot` and `refused` is there."""

    bot: VerifiedBot | None
    claim: BotClaim
    refused: Detection | None
    questions: tuple[Question, ...]  # to be asked
    waits: bool  # whether their answers may change what is said of this very request


class _Heard(NamedTuple):
    """What a header block says of its sender."""

    bots: tuple[Bot, ...]
    signatures: tuple[Signature, ...]


class _Ruling(NamedTuple):
    """What one way of verifying said."""

    word: int
    question: Question | None = None
    refused: Detection | None = None


_NOBODY: Final = _Heard((), ())
_UNSURE: Final = _Ruling(_MAYBE)
_VERIFIED: Final = _Ruling(_YES)


@final
class Recogniser:
    """One a zone. Only its `Knowledge`, which it shares with others, ever changes."""

    __slots__ = ("_directory", "_disallowed", "_enabled", "_knowledge", "_networks", "_settings", "_signs", "_stale")

    def __init__(
        self, directory: Directory, knowledge: Knowledge, settings: Settings, disallowed: frozenset[str] = frozenset()
    ) -> None:
        """`disallowed` are the purposes of artificial intelligence that the zone's robots.txt asks to stay away."""
        self._directory: Final = directory
        self._knowledge: Final = knowledge
        self._settings: Final = settings.signatures
        self._signs: Final = settings.signatures.enabled and bool(directory.agents or directory.key_owners)
        self._stale: Final = settings.lists.stale_after
        self._networks: Final = directory.by_network
        self._disallowed: Final = disallowed

    def recognise(self, request: Request, client: Client, settled: bool = False) -> Recognition | None:
        """What is known of a request's claim; None when it makes none, which costs one look at its header block.

        `settled` is whether questions about it were asked already: what is not known now, is not waited for.
        """
        headers = request.headers
        heard = headers.memo.get(_MEMO)
        if heard is None:
            heard = self._hear(headers)
            headers.memo[_MEMO] = heard
        if heard is _NOBODY:
            return self._by_network(request, client) if self._networks else None
        if not isinstance(heard, _Heard):
            return None
        for signature in heard.signatures:
            recognition = self._by_signature(request, client, signature, settled)
            if recognition is not None:
                return recognition
        if not heard.bots:
            return self._by_network(request, client) if self._networks else None
        return self._by_claim(request, client, heard.bots)

    def _hear(self, headers: Headers) -> _Heard:
        bots = self._directory.claimed(headers)
        signatures: tuple[Signature, ...] = ()
        if self._signs and b"signature-input" in headers.index:
            signatures = read_signatures(headers)
        return _Heard(bots, signatures) if bots or signatures else _NOBODY

    def _by_network(self, request: Request, client: Client) -> Recognition | None:
        address = client.address
        for bot in self._networks:
            if bot.networks is not None and address in bot.networks and self._ja4(bot, client) == _YES:
                return self._verified(request, bot, False)
        return None

    def _by_claim(self, request: Request, client: Client, bots: tuple[Bot, ...]) -> Recognition:
        questions: list[Question] = []
        refused: Bot | None = None
        for bot in bots:
            ruling = self._judge(bot, client, request.received)
            if ruling.word == _YES:
                return self._verified(request, bot, False, ruling.question)
            if ruling.question is not None:
                questions.append(ruling.question)
            elif ruling.word == _NO and refused is None:
                refused = bot
        if refused is None or questions:
            return self._unverified(request, bots[0], tuple(questions))
        reason = f"It says that it is {refused.name}, and {client.text} is none of its addresses."
        return self._refused(request, refused, Detection(IMPOSTOR, "impostor", reason))

    def _judge(self, bot: Bot, client: Client, now: float) -> _Ruling:
        """One claim by the ways that need no signature."""
        if bot.ja4:
            word = self._ja4(bot, client)
            if word != _YES:
                return _Ruling(word) if bot.complete else _UNSURE
        address = client.address
        ways = noes = 0
        if bot.networks is not None:
            if address in bot.networks:
                return _VERIFIED
            ways = noes = 1
        for name in bot.lists:
            published = self._knowledge.lists.get(name)
            if published is not None:
                if address in published.networks:
                    return _VERIFIED
                noes += now - published.fetched <= self._stale
            ways += 1
        if bot.domains:
            question = Question(NAMES, client.text, bot.domains)
            confirmed, again = self._knowledge.name(question, now)
            if confirmed:
                return _Ruling(_YES, question) if again else _VERIFIED
            if again:
                return _Ruling(_OPEN, question)
            noes += confirmed is False
            ways += 1
        return _Ruling(_NO) if ways and noes == ways and bot.complete else _UNSURE

    def _ja4(self, bot: Bot, client: Client) -> int:
        if not bot.ja4:
            return _YES
        tls = client.tls
        if tls is None or not tls.ja4:
            return _MAYBE
        return _YES if tls.ja4 in bot.ja4 else _NO

    def _by_signature(
        self, request: Request, client: Client, signature: Signature, settled: bool
    ) -> Recognition | None:
        """What a signature of somebody who is listed says; None for anybody else's."""
        own = self._directory.key_owners.get(signature.key_id)
        if own is not None:
            bot, key = own
            ruling = self._check(request, signature, bot, key.algorithm, key.material, True, settled)
        elif signature.tag == WEB_BOT_AUTH and signature.agent in self._directory.agents:
            bot = self._directory.agents[signature.agent]
            ruling = self._of_agent(request, signature, bot, settled)
        else:
            return None
        if ruling.word == _YES:
            return self._verified(request, bot, own is None, ruling.question)
        if ruling.refused is not None:
            return self._refused(request, bot, ruling.refused)
        return self._unverified(request, bot, () if ruling.question is None else (ruling.question,))

    def _of_agent(self, request: Request, signature: Signature, bot: Bot, settled: bool) -> _Ruling:
        known = self._knowledge.agents.get(signature.agent)
        now = request.received
        if known is None:
            return _Ruling(_OPEN, Question(KEYS, signature.agent))
        key = known.keys.get(signature.key_id)
        if key is not None:
            ruling = self._check(request, signature, bot, "ed25519", key, False, settled)
            if ruling is _VERIFIED and now >= known.until:
                return _Ruling(_YES, Question(KEYS, signature.agent))
            return ruling
        if now >= known.until or (known.reached and now - known.fetched >= self._settings.retry):
            return _Ruling(_OPEN, Question(KEYS, signature.agent, (AGAIN,)))
        if not known.reached:
            return _UNSURE
        reason = f"It is signed as {bot.name} with a key that {signature.agent} does not publish."
        return _Ruling(_NO, None, Detection(FORGED, "forged_signature", reason))

    def _check(
        self,
        request: Request,
        signature: Signature,
        bot: Bot,
        algorithm: str,
        material: bytes | Ed25519PublicKey,
        own: bool,
        settled: bool,
    ) -> _Ruling:
        settings = self._settings
        now = request.received
        if not covers_enough(signature, own):
            return _UNSURE
        base = signature_base(request, signature)
        if base is None:
            return _UNSURE
        if not genuine(algorithm, material, base, signature.value):
            reason = f"The signature is not that of {bot.name}."
            return _Ruling(_NO, None, Detection(FORGED, "forged_signature", reason))
        wrong = out_of_time(signature, now, settings.skew, settings.own_longest if own else settings.longest, not own)
        if wrong:
            reason = f"The signature of {bot.name} is out of time: {wrong}."
            return _Ruling(_NO, None, Detection(EXPIRED, "expired_signature", reason))
        if not signature.nonce or not settings.single_use:
            return _VERIFIED
        return self._once(request, signature, bot, settled)

    def _once(self, request: Request, signature: Signature, bot: Bot, settled: bool) -> _Ruling:
        """A signature with a nonce is good for one request, on whichever worker it arrives."""
        settings = self._settings
        key = hashlib.sha256(f"{signature.key_id}\n{signature.nonce}".encode()).hexdigest()
        used = self._knowledge.use(key, request.ray)
        if used.ray != request.ray or used.confirmed is False:
            reason = f"A signature of {bot.name} that was used before."
            return _Ruling(_NO, None, Detection(REPLAYED, "replayed_signature", reason))
        if used.confirmed is None and not settled:
            ends = signature.expires
            seconds = (ends if ends is not None else request.received + settings.own_longest) + settings.skew
            return _Ruling(_OPEN, Question(ONCE, key, (), max(1.0, seconds - request.received)))
        return _VERIFIED

    def _verified(
        self, request: Request, bot: Bot, signed_agent: bool, question: Question | None = None
    ) -> Recognition:
        verified = VerifiedBot(bot.name, bot.category, signed_agent, bot.tags)
        questions = () if question is None else (question,)
        return Recognition(verified, self._claim(request, bot, "verified"), None, questions, False)

    def _unverified(self, request: Request, bot: Bot, questions: tuple[Question, ...]) -> Recognition:
        return Recognition(None, self._claim(request, bot, "unverified"), None, questions, bool(questions))

    def _refused(self, request: Request, bot: Bot, detection: Detection) -> Recognition:
        return Recognition(None, self._claim(request, bot, "refused"), detection, (), False)

    def _claim(self, request: Request, bot: Bot, status: str) -> BotClaim:
        purpose = ai_purpose(bot.category, bot.purpose)
        disobeys = bool(bot.robots) and purpose in self._disallowed and request.path != b"/robots.txt"
        return BotClaim(bot.name, bot.category, status, purpose, disobeys)
