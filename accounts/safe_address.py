"""Which addresses a webhook may reach: public ones, and no others (SSRF).

A customer chooses the URL, so it could name our own machines. The name is resolved
anew for every delivery, every address it has must be public, and the connection goes
to the very address that was checked: a name that changes its mind in between gains
nothing. `WEBHOOKS_TO_LOOPBACK` (development alone) opens this machine, also by http.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST_URL = 500
# What Python calls public and we do not: relays, and IPv4 inside IPv6.
REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        *("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"),
        *("64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16"),
        *("3fff::/20", "5f00::/16", "fec0::/10"),
    )
]


class AddressRefused(Exception):
    """The URL or one of its addresses is not one we post to; the sentence says why."""


@dataclass(frozen=True)
class Target:
    """Where to connect, and as whom to greet it."""

    host: str
    port: int
    path: str
    is_tls: bool
    addresses: tuple[str, ...]


def check_url(url: str) -> None:
    """Refuses, before anything is resolved, a URL we would never post to."""
    try:
        parts = _parts(url)
        _refuse_literal(parts.hostname or "")
    except AddressRefused as refusal:
        raise ValidationError(str(refusal), "webhook_url") from refusal


def resolve(url: str) -> Target:
    """The checked addresses of the URL, now; raises AddressRefused or OSError."""
    parts = _parts(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_public(address) and not _is_open_loopback(address):
            raise AddressRefused(
                _("%(host)s is not a public address.") % {"host": host}
            )
    if not is_tls and not all(map(_is_open_loopback, addresses)):
        raise AddressRefused(_("Only https addresses are posted to."))
    path = parts.path or "/"
    path = f"{path}?{parts.query}" if parts.query else path
    return Target(host, port, path, is_tls, addresses)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could be meant, and no IPv4 hides in IPv6."""
    found = _address(address)
    if found is None or found.is_multicast or not found.is_global:
        return False
    return not any(
        found in network for network in REFUSED if network.version == found.version
    )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(_("That is not an address.")) from None
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise AddressRefused(_("That is not an address."))
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise AddressRefused(
            _("The address names a host, and no user, password or fragment.")
        )
    if parts.scheme == "http" and settings.WEBHOOKS_TO_LOOPBACK:
        return parts
    if parts.scheme != "https":
        raise AddressRefused(_("Only https addresses are posted to."))
    is_open = settings.WEBHOOKS_TO_LOOPBACK or port in {None, *settings.WEBHOOK_PORTS}
    if not is_open:
        allowed = ", ".join(map(str, settings.WEBHOOK_PORTS))
        raise AddressRefused(
            _("Only these ports are posted to: %(ports)s.") % {"ports": allowed}
        )
    return parts


def _refuse_literal(host: str) -> None:
    """An address written out is judged at once; a name when it is resolved."""
    is_literal = _address(host) is not None
    is_local = host == "localhost" or host.endswith((".localhost", ".local"))
    if is_literal and (is_public(host) or _is_open_loopback(host)):
        return
    if is_literal or (is_local and not settings.WEBHOOKS_TO_LOOPBACK):
        raise AddressRefused(_("%(host)s is not a public address.") % {"host": host})


def _is_open_loopback(address: str) -> bool:
    found = _address(address)
    return bool(settings.WEBHOOKS_TO_LOOPBACK and found and found.is_loopback)


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
