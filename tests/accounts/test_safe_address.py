"""What a webhook may not reach: our own machines, however they are written (SSRF)."""

import socket
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from accounts.post_webhook import post
from accounts.safe_address import AddressRefused, check_url, is_public, resolve
from config.checks import webhooks_reach_this_machine

PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.9.9.9", "100.64.0.1"),  # noqa: S104
    *("100.127.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1"),
    *("::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa:64c:0:fff:f7f7:f7f7"),
    *("2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "3fff::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "100.63.255.255", "2606:4700::1111"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "",
        "https://",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:99999/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://127.0.0.1/",
        "https://10.1.2.3:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://api.localhost/",
        "https://printer.local/",
        "https://hooks.example.com/\nHost: evil",
        "https://hooks.example.com/" + "a" * 500,
        "https://例え.example/",
        "https://[not-an-address/",
    ],
)
def test_a_url_we_never_post_to_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        check_url(url)
    assert refused.value.code == "webhook_url"
    assert len(refused.value.messages) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/tollgate?key=1",
        "https://93.184.215.14/hook",
        "https://[2606:4700::1111]/hook",
    ],
)
def test_a_public_https_url_is_taken(url: str) -> None:
    check_url(url)


Found = list[tuple[int, int, int, str, tuple[str, int]]]


def answering(*addresses: str) -> Callable[..., Found]:
    """A name server that says this, whatever it is asked."""

    def getaddrinfo(host: str, port: int, **kwargs: object) -> Found:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return getaddrinfo


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_at_the_delivery(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8", address))
    with pytest.raises(AddressRefused, match="not a public address"):
        resolve("https://hooks.example.com/")
    answer = post("https://hooks.example.com/", b"{}", {})
    assert answer.status is None
    assert answer.problem == "hooks.example.com is not a public address."


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_an_address_written_oddly_is_what_it_resolves_to(host: str) -> None:
    answer = post(f"https://{host}/", b"{}", {})
    assert answer.status is None
    assert answer.problem


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers otherwise the second time is not asked a second time."""
    asked: list[str] = []
    reached: list[tuple[str, int]] = []

    def once_public(host: str, port: int, **kwargs: object) -> object:
        asked.append(host)
        return answering("8.8.8.8" if len(asked) == 1 else "127.0.0.1")(host, port)

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise OSError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", once_public)
    monkeypatch.setattr(socket, "create_connection", connect)
    answer = post("https://hooks.example.com/", b"{}", {})
    assert (asked, reached) == (["hooks.example.com"], [("8.8.8.8", 443)])
    assert answer.problem == "Connection refused"


def test_loopback_opens_by_its_setting_alone(settings: Settings) -> None:
    with pytest.raises(ValidationError):
        check_url("http://127.0.0.1:9/")
    settings.WEBHOOKS_TO_LOOPBACK = True
    check_url("http://127.0.0.1:9/")
    assert resolve("http://127.0.0.1:9/").addresses == ("127.0.0.1",)
    with pytest.raises(AddressRefused, match="not a public address"):
        resolve("http://10.0.0.1/")


def test_http_to_the_outside_stays_closed_even_then(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8"))
    with pytest.raises(AddressRefused, match="Only https"):
        resolve("http://hooks.example.com/")


def test_a_deployment_that_opens_this_machine_is_refused(settings: Settings) -> None:
    assert webhooks_reach_this_machine(None) == []
    settings.WEBHOOKS_TO_LOOPBACK = True
    [found] = webhooks_reach_this_machine(None)
    assert found.id == "tollgate.C002"
