"""The listening sockets: bound once, kept across reloads, inherited by every worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import final

from botproxy.aio import listen, parse_endpoint
from botproxy.errors import OperatorError


class Unbindable(OperatorError):  # noqa: N818 - what is wrong with the addresses
    """Some addresses cannot be listened on; `problems` says which and why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@final
class Listening:
    """One socket per address, under the text that the operator wrote."""

    def __init__(self) -> None:
        self._bound: dict[str, socket.socket] = {}

    @property
    def sockets(self) -> dict[str, socket.socket]:
        """What is bound now, by address."""
        return dict(self._bound)

    def add(self, addresses: Iterable[str]) -> list[str]:
        """Bind those that are not bound yet and return them. All or nothing: raises `Unbindable`."""
        added: dict[str, socket.socket] = {}
        problems: list[str] = []
        for address in addresses:
            if address in self._bound or address in added:
                continue
            try:
                added[address] = listen(parse_endpoint(address))
            except (OSError, ValueError) as error:
                said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
                problems.append(f"cannot listen on {address}: {said}")
        if problems:
            for bound in added.values():
                bound.close()
            raise Unbindable(problems)
        self._bound |= added
        return list(added)

    def keep(self, addresses: Iterable[str]) -> None:
        """Close every other."""
        wanted = set(addresses)
        for address in self._bound.keys() - wanted:
            self._bound.pop(address).close()
