"""What the challenge page's script is told of a challenge, in the page itself and by answers to what it hands in."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from botproxy.challenges.presses import places
from botproxy.challenges.ticket import Ticket


def told(ticket: Ticket, token: str) -> dict[str, object]:
    """`token` is the ticket, sealed. Times in milliseconds.

    `seed` is what a report is collected for (base64url), `presses` the pause and the place (per mille of the room
    beside it) of the button before each press.
    """
    return {
        "token": token,
        "nonce": ticket.nonce.hex(),
        "seed": urlsafe_b64encode(ticket.nonce).rstrip(b"=").decode(),
        "difficulty": ticket.difficulty,
        "puzzles": ticket.puzzles,
        "minimum": ticket.minimum,
        "budget": ticket.budget,
        "lifetime": ticket.expires - ticket.issued,
        "level": int(ticket.level),
        "step": int(ticket.step),
        "presses": [[place.pause, place.aside] for place in places(ticket.nonce, ticket.step)],
        "failures": ticket.failures,
    }
