"""Taking connections in: what a client sends first is looked at before its protocol begins, and left where it is.

A listener for TLS, or for load balancers that speak the PROXY protocol, accepts by itself. The PROXY header is taken
from the socket; the ClientHello is only peeked at, again and again until it is whole, and then the untouched socket
goes to the event loop's own TLS. So that a client who sends byte by byte costs nothing meanwhile, SO_RCVLOWAT is set
to the number of bytes that could tell more: with a plain reader, a peeked socket stays readable and keeps a core busy.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Any, Final, NamedTuple, cast, final

from botproxy.addresses import NetworkSet, holder, parse_address
from botproxy.model import Address, Tls
from botproxy.proxy.arrivals import Arrival
from botproxy.proxy.certificates import Contexts
from botproxy.proxy.proxy_protocol import IncompleteProxyHeaderError, ProxyHeaderError, parse_proxy_header
from botproxy.proxy.unfinished import Unfinished
from botproxy.proxy.wire import Wire
from botproxy.tls import MAX_HELLO, HelloError, IncompleteHelloError, hello_facts, parse_client_hello

Protocols = Mapping[str, Callable[[Wire], Any]]
"""What makes a connection's protocol, by the name that ALPN agreed on; "" for who agreed on none, or has no TLS.
It is an `asyncio.BaseProtocol` with an attribute `arrival`, which is set before `connection_made`."""

_BATCH: Final = 16
"""Connections taken at once, before others have their turn; other workers wait on the same socket."""
_PAUSE: Final = 1.0
"""Seconds without accepting once the system is out of descriptors or memory."""
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_LOOK: Final = 4096
_TICK: Final = 0.25
_IDLE_LOOKS: Final = 8
"""Times that a socket may be readable without what was waited for: the kernel does so when its memory runs short."""
_ESTABLISHED: Final = 1  # tcpi_state, the first byte of struct tcp_info
_NOWHERE: Final = IPv4Address(0)
_READ: Final = socket.MSG_DONTWAIT
_PEEK: Final = socket.MSG_PEEK | socket.MSG_DONTWAIT


class Listener(NamedTuple):
    """A bound socket, and how those who connect to it are taken in."""

    sock: socket.socket
    contexts: Contexts | None = None  # without them there is no TLS
    proxies: NetworkSet | None = None  # load balancers that begin with a PROXY header; None: nobody does
    strangers: bool = False  # whether others than `proxies` may connect as well, without a header
    hello_size: int = MAX_HELLO

    @property
    def plain(self) -> bool:
        """Whether HTTP begins with the first byte."""
        return self.contexts is None and self.proxies is None


@final
class Acceptor:
    """Accepts on one socket that is bound already."""

    __slots__ = ("_loop", "_paused", "_timer", "listener", "protocols", "tasks", "unfinished", "wire")

    def __init__(self, listener: Listener, wire: Wire, protocols: Protocols, unfinished: Unfinished) -> None:
        self.listener: Final = listener
        self.wire: Final = wire
        self.protocols: Final = protocols
        self.unfinished: Final = unfinished
        self.tasks: Final[set[asyncio.Task[None]]] = set()
        self._loop: Final = asyncio.get_running_loop()
        self._paused: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        listener.sock.setblocking(False)
        self._loop.add_reader(listener.sock.fileno(), self._take)

    def _take(self) -> None:
        sock = self.listener.sock
        for _ in range(_BATCH):
            try:
                accepted, name = sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as problem:
                if problem.errno in _EXHAUSTED:
                    self.unfinished.counts.accept_failed += 1
                    self._loop.remove_reader(sock.fileno())
                    self._paused = self._loop.call_later(_PAUSE, self._go_on)
                    return
                continue  # a client that left before it was accepted
            Entrant(self, accepted, name).begin()

    def watch(self) -> None:
        """Somebody waits from now on; nobody will for longer than the `header` timeout."""
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = time.monotonic()
        for one in self.unfinished.all_waiting():
            if one.deadline > now:
                self.watch()  # they stand in the order in which they came
                return
            one.give_up()

    def _go_on(self) -> None:
        self._paused = None
        self._loop.add_reader(self.listener.sock.fileno(), self._take)

    def close(self) -> None:
        """Accept nothing more. Who was accepted goes on."""
        if self._paused is not None:
            self._paused.cancel()
            self._paused = None
        sock = self.listener.sock
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            sock.close()

    def cut(self) -> None:
        """End what runs; who waits is `unfinished`'s to tell."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self.tasks:
            task.cancel()


@final
class Entrant:
    """One connection, from being accepted until its protocol begins."""

    __slots__ = (
        "_acceptor",
        "_address",
        "_alpn",
        "_expected",
        "_idle_looks",
        "_listed",
        "_loop",
        "_lowest",
        "_peer",
        "_peer_port",
        "_port",
        "_reading",
        "_sock",
        "_tls",
        "deadline",
        "holder",
    )

    def __init__(self, acceptor: Acceptor, sock: socket.socket, name: object) -> None:
        self._acceptor: Final = acceptor
        self._sock: Final = sock
        self._loop: Final = asyncio.get_running_loop()
        self._peer: Address = _NOWHERE
        self._peer_port = 0
        if isinstance(name, tuple) and len(name) >= 2:
            self._peer = parse_address(str(name[0]).partition("%")[0]) or _NOWHERE
            self._peer_port = int(name[1])
        self._address = self._peer
        self._port = self._peer_port
        self._tls: Tls | None = None
        self._alpn = ""
        proxies = acceptor.listener.proxies
        self._listed = proxies is not None and self._peer in proxies  # and its header is still to come
        self._expected = 1
        self._lowest = 1  # SO_RCVLOWAT as it is set
        self._idle_looks = 0
        self._reading = False
        self.holder: Final = holder(self._peer)
        self.deadline: Final = time.monotonic() + acceptor.wire.timeouts.header

    def begin(self) -> None:
        """Look at what is there already; often that is all."""
        acceptor = self._acceptor
        listener = acceptor.listener
        if listener.proxies is not None and not self._listed and not listener.strangers:
            acceptor.unfinished.counts.unlisted += 1
            self._sock.close()
            return
        trusted = self._listed or self._peer in acceptor.wire.trusted
        if not acceptor.unfinished.enter(self, bounded=not trusted):
            self._sock.close()
            return
        self._sock.setblocking(False)
        self._look()
        if self._reading:
            acceptor.watch()

    def give_up(self) -> None:
        """See `Waiting`."""
        self._acceptor.unfinished.counts.timed_out += 1
        self._close()

    def give_way(self) -> None:
        """See `Waiting`."""
        self._close()

    # Looking

    def _look(self) -> None:
        """See how far what arrived leads. A fault of ours ends this connection, or it would be looked at for ever."""
        try:
            self._look_once()
        except Exception:
            self._acceptor.wire.failed("taking a connection in")
            self._close()

    def _look_once(self) -> None:
        listener = self._acceptor.listener
        try:
            if self._listed and not self._take_header():
                return
            if listener.contexts is not None and self._tls is None and not self._see_hello(listener.hello_size):
                return
        except (BlockingIOError, InterruptedError):
            self._wait(self._expected)
        except OSError:
            self._acceptor.unfinished.counts.failed += 1
            self._close()
        except (ProxyHeaderError, HelloError):
            self._acceptor.unfinished.counts.malformed += 1
            self._close()
        else:
            self._hand_over()

    def _take_header(self) -> bool:
        """Take the PROXY header off the socket; False when it is not whole."""
        data = self._peek()
        if not data:
            return False
        try:
            said = parse_proxy_header(data)
        except IncompleteProxyHeaderError as problem:
            self._more(problem.wanted)
            return False
        self._sock.recv(said.length, _READ)
        self._listed = False
        self._expected = 1
        if said.address is not None:
            self._address = said.address
            self._port = said.port
        if self._acceptor.listener.contexts is None:
            self._tls = None if said.tls is None else said.tls._replace(server_name=said.authority)
            self._alpn = said.alpn.decode("latin-1")
        return True

    def _see_hello(self, limit: int) -> bool:
        """Look at the ClientHello and leave it there; False when it is not whole."""
        data = self._peek()
        if not data:
            return False
        try:
            hello = parse_client_hello(data, limit)
        except IncompleteHelloError as problem:
            self._more(problem.wanted)
            return False
        self._tls = hello_facts(hello)
        return True

    def _peek(self) -> bytes:
        """What is there; empty, and the connection closed, when nothing will come any more."""
        data = self._sock.recv(max(_LOOK, self._expected), _PEEK)
        if not data:
            self._leave()
        return data

    def _more(self, wanted: int) -> None:
        """Look again once `wanted` bytes are there."""
        if wanted == self._expected and self._reading:
            # The kernel woke us early: the client has closed its side, or memory is short.
            self._idle_looks += 1
            gone = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED
            if gone or self._idle_looks > _IDLE_LOOKS:
                self._leave()
        else:
            self._wait(wanted)

    def _wait(self, wanted: int) -> None:
        self._expected = wanted
        if wanted != self._lowest:
            self._lowest = wanted
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
            self._acceptor.unfinished.expect(self, wanted)
        if not self._reading and self._sock.fileno() >= 0:
            self._reading = True
            self._loop.add_reader(self._sock.fileno(), self._look)

    # Endings

    def _leave(self) -> None:
        """The client left."""
        self._acceptor.unfinished.counts.failed += 1
        self._close()

    def _close(self) -> None:
        self._stop()
        self._sock.close()
        self._acceptor.unfinished.leave(self)

    def _stop(self) -> None:
        if self._reading and self._sock.fileno() >= 0:
            self._reading = False
            self._loop.remove_reader(self._sock.fileno())

    def _hand_over(self) -> None:
        """Everything is known that can be: let the protocol begin."""
        acceptor = self._acceptor
        left = self.deadline - time.monotonic()
        self._stop()
        if self._lowest != 1:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        context: ssl.SSLContext | None = None
        contexts = acceptor.listener.contexts
        if contexts is not None and self._tls is not None:
            context = contexts.choose(self._tls.server_name)
        if not acceptor.unfinished.shake(self):
            self._sock.close()
            return
        task = self._loop.create_task(self._connect(context, max(left, 0.1)))
        acceptor.tasks.add(task)
        task.add_done_callback(acceptor.tasks.discard)

    async def _connect(self, context: ssl.SSLContext | None, seconds: float) -> None:
        acceptor = self._acceptor
        counts = acceptor.unfinished.counts
        try:
            await self._loop.connect_accepted_socket(
                self._protocol if context is None or len(acceptor.protocols) == 1 else self._negotiating,
                self._sock,
                ssl=context,
                ssl_handshake_timeout=None if context is None else seconds,
            )
            counts.finished += 1
        except (TimeoutError, ConnectionAbortedError):  # the second is what uvloop says of it
            counts.timed_out += 1
        except OSError:  # of which SSLError and ConnectionError are
            counts.failed += 1
        finally:
            acceptor.unfinished.shaken(self)

    def _arrival(self) -> Arrival:
        return Arrival(self._peer, self._peer_port, self._address, self._port, self._tls, self._alpn)

    def _protocol(self) -> Any:
        return self._made(self._alpn)

    def _negotiating(self) -> asyncio.BaseProtocol:
        return Negotiating(self._made)

    def _made(self, agreed: str) -> Any:
        protocols = self._acceptor.protocols
        made = (protocols.get(agreed) or protocols[""])(self._acceptor.wire)
        made.arrival = self._arrival()
        return made


@final
class Negotiating(asyncio.Protocol):
    """Stands in until TLS has agreed on a protocol, and makes way for it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make: Final = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = transport.get_extra_info("ssl_object")
        agreed = connection.selected_alpn_protocol() if isinstance(connection, ssl.SSLObject) else None
        protocol = self._make(agreed or "")
        cast("asyncio.Transport", transport).set_protocol(protocol)
        protocol.connection_made(transport)
