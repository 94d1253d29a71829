"""Posts one body to one checked address: no redirect, no proxy, ten seconds in all."""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Timer
from time import monotonic

from accounts.safe_address import AddressRefused, Target, resolve

SECONDS = 10  # from the first byte sent to the last one read
MOST_READ = 2_000  # bytes of the answer; nobody needs more of it


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or a problem in a few words."""

    status: int | None
    problem: str
    milliseconds: int

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Pinned(HTTPConnection):
    """Connects to an address that was checked, and greets it by its name."""

    def __init__(self, target: Target, deadline: float) -> None:
        self.default_port = 443 if target.is_tls else 80  # not named in `Host`
        super().__init__(target.host, target.port)
        self._target, self._deadline = target, deadline

    def connect(self) -> None:
        problem: OSError = OSError("no address")
        for address in self._target.addresses:
            left = max(0.1, self._deadline - monotonic())
            try:
                to = (address, self.port)
                self.sock = socket.create_connection(to, timeout=left)
            except OSError as error:
                problem = error
            else:
                self._secure()
                return
        raise problem

    def _secure(self) -> None:
        if self._target.is_tls:
            trusted = ssl.create_default_context()
            secured = trusted.wrap_socket(
                self.sock,
                server_hostname=self._target.host,
                do_handshake_on_connect=False,
            )
            self.sock = secured  # so that a slow handshake is cut off as well
            secured.do_handshake()


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Never raises for what a network or its other end does."""
    began = monotonic()
    status, problem = None, ""
    try:
        status = _post(resolve(url), body, headers, deadline=began + SECONDS)
    except AddressRefused as refusal:
        problem = str(refusal)
    except (OSError, HTTPException, ValueError) as error:
        problem = _in_words(error, timed_out=monotonic() - began >= SECONDS)
    return Answer(status, problem, int((monotonic() - began) * 1000))


def _post(
    target: Target, body: bytes, headers: Mapping[str, str], *, deadline: float
) -> int:
    connection = _Pinned(target, deadline)
    # Whoever answers a byte at a time is cut off as well.
    cut_off = Timer(deadline - monotonic(), _shut, [connection])
    cut_off.daemon = True
    cut_off.start()
    try:
        connection.request("POST", target.path, body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            answer.read(MOST_READ)
            status = answer.status
        if monotonic() >= deadline:
            raise TimeoutError  # what was cut off can look whole
        return status
    finally:
        cut_off.cancel()
        connection.close()


def _shut(connection: _Pinned) -> None:
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _in_words(error: Exception, *, timed_out: bool) -> str:
    """English and short, for a log that developers read; never what was answered."""
    if timed_out or isinstance(error, TimeoutError):
        return f"no answer within {SECONDS} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"[:200]
    if isinstance(error, socket.gaierror):
        return "the name could not be resolved"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:200]
    return type(error).__name__
