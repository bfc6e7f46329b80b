"""What stands on a challenge page, and the contract between it and its script.

The script finds its work in the element `#challenge`: JSON with `token`, `nonce`, `difficulty`, `puzzles`, `minimum`,
`budget` (milliseconds), the addresses `flow` and `probe`, `repeatable`, and `words`, the sentences it may show. It
shows what happens by these, and by nothing else, so that any template and style can go with it:

    [data-state]   one element; `idle` until the script runs, then `working`, `click`, `done` or `stopped`
    #status        the sentence for people, a live region that screen readers speak; text alone is put into it
    #human         a button that is hidden until a click is needed (`words.confirm` stands in it); it is to be focused
                   when it is shown, and pointer, keyboard and assistive technology all press it
    #again         a button that is hidden until there is something to do; the script gives it its text and takes what
                   it does away before it gives it anything else to do
    #report        the report form, a `details` element, where the site takes reports; `open` shows it, as after three
                   failures
    .late          a sentence that CSS shows when the state stays `idle`: the script was kept from running

Without JavaScript the sentence of `<noscript>` stands in `#status`.
"""

from __future__ import annotations

from typing import Final

import orjson

from botproxy.challenges.contract import told
from botproxy.challenges.pages import Pages, html
from botproxy.challenges.paths import FLOW, PLAIN, PREFIX, PROBE, VERSIONED_SCRIPT, under
from botproxy.challenges.reports import Seen
from botproxy.challenges.template import Markup
from botproxy.challenges.ticket import Ticket
from botproxy.challenges.words import LANGUAGES, Words
from botproxy.model import ClearanceLevel

TITLE: Final = "Just a moment..."
"""By which clients know a challenge of the original; in every language."""

_SAID_BY_SCRIPT: Final = (
    "working", "slow", "done", "click", "confirm", "resend", "submit_again", "cookies", "loop", "failed", "offline",
    "retry", "go_on",
)  # fmt: skip

_LONGEST_TOKEN: Final = 3400
"""Characters of a token with the longest return address (2,048 bytes) and the longest zone name."""

_CONTENT: Final = """<div class="status" data-state="idle">
<span class="mark" aria-hidden="true"></span>
<div class="said">
<p id="status" role="status"><noscript>{noscript}</noscript></p>
<p class="late">{stuck}</p>
<button id="human" type="button" hidden>{confirm}</button>
<button id="again" type="button" hidden></button>
</div>
</div>
{plain}{report}
<script type="application/json" id="challenge">{data}</script>
<script nonce="{nonce}" src="{script}"></script>"""


_PLAIN: Final = """<noscript><meta http-equiv="refresh" content="4;url={form}"><img src="{pixel}" alt="" width="1"\
 height="1"></noscript>
"""

_FORM: Final = """<form method="post" action="{action}"><div class="status"><button>{confirm}</button></div></form>"""


def render(
    ticket: Ticket,
    token: str,
    *,
    host: str,
    pages: Pages,
    words: Words,
    nonce: str,
    repeatable: bool,
    now: float,
    prefix: str = PREFIX,
    replay: str = "",
    plain: str = "",
) -> bytes:
    """The document. `nonce` is that of the policy; `repeatable` says that reloading the page sends nothing twice;
    `prefix` is that of our own paths, `replay` a sealed body that is to be sent again, `plain` the token of a form
    for who has no JavaScript."""
    data = {
        **told(ticket, token),
        "flow": under(prefix, FLOW) + ticket.ray,
        "probe": under(prefix, PROBE),
        "repeatable": repeatable,
        "replay": replay,
        "words": {name: getattr(words, name) for name in _SAID_BY_SCRIPT},
    }
    content = html(
        _CONTENT,
        noscript=words.noscript if not plain else words.working,
        plain=Markup("")
        if not plain
        else html(_PLAIN, form=under(prefix, PLAIN) + plain, pixel=under(prefix, PLAIN) + "pixel/" + plain),
        stuck=words.stuck,
        confirm=words.confirm,
        report=pages.report_form(words, Seen.CHALLENGE, ticket.ray, now),
        data=_in_script(data),
        nonce=nonce,
        script=under(prefix, VERSIONED_SCRIPT),
    )
    return pages.page(
        words,
        host=host,
        heading=words.heading,
        explanation=words.explanation,
        content=content,
        ray=ticket.ray,
        status=403,
        title=TITLE,
        title_language="en",
    )


def plain_form(pages: Pages, words: Words, *, host: str, ray: str, action: str) -> bytes:
    """The form that a visitor without JavaScript sends."""
    content = html(_FORM, action=action, confirm=words.confirm)
    return pages.page(
        words, host=host, heading=words.heading, explanation=words.click, content=content, ray=ray, status=200
    )


def weigh(pages: Pages) -> int:
    """Bytes of the largest challenge page, in the language that takes most."""
    ticket = Ticket(
        zone="",
        level=ClearanceLevel.MANAGED,
        nonce=bytes(16),
        issued=0,
        expires=0,
        budget=30_000,
        difficulty=22,
        puzzles=256,
        minimum=256,
        strictness="none",
        agent=b"",
        homes=(),
        ray="0" * 16,
        destination="",
    )
    return max(
        len(
            render(
                ticket,
                "-" * _LONGEST_TOKEN,
                host="h" * 253,
                pages=pages,
                words=words,
                nonce="-" * 24,
                repeatable=False,
                now=0.0,
                prefix="/" + "p" * 62 + "/",
            )
        )
        for words in LANGUAGES.values()
    )


def _in_script(data: object) -> Markup:
    """JSON that can stand inside a script element: no `<` that could end it or open a comment (HTML, 4.12.1.3)."""
    text = orjson.dumps(data).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
