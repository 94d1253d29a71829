"""API keys: a digest is all that is kept, and all doors compare it alike."""

import hashlib
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from accounts.keys import create_key, find_key, issue_key, revoke_key
from accounts.models import ApiKey, AuditEvent, Organisation, Scope, User
from tests.makers import START

READS = [Scope.USAGE_READ, Scope.BALANCE_READ]


def make_key(
    organisation: Organisation | None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    return create_key(
        "the shop",
        organisation=organisation,
        scopes=READS,
        at=START,
        expires_at=expires_at,
    )


def test_a_key_is_found_by_its_secret(formosa: Organisation) -> None:
    key, secret = make_key(formosa)
    found = find_key(secret, START)
    assert found == key
    assert found is not None
    assert found.organisation == formosa
    assert found.allows(Scope.USAGE_READ)
    assert not found.allows(Scope.FUNDS_WRITE)


def test_only_the_digest_is_kept(formosa: Organisation) -> None:
    key, secret = make_key(formosa)
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(row)
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert row["prefix"] == secret[8:16]


@pytest.mark.parametrize(("live", "start"), [(True, "tg_live_"), (False, "tg_test_")])
def test_a_secret_says_what_it_is_and_carries_256_bits(
    formosa: Organisation, live: bool, start: str
) -> None:
    with override_settings(STRIPE_LIVE_MODE=live):
        _, secret = make_key(formosa)
    assert secret.startswith(start)
    assert len(secret) == len(start) + 8 + 43


def test_two_keys_are_valid_during_rotation(formosa: Organisation) -> None:
    old, old_secret = make_key(formosa)
    new, new_secret = make_key(formosa)
    assert (find_key(old_secret, START), find_key(new_secret, START)) == (old, new)


def test_a_wrong_secret_finds_nothing(formosa: Organisation) -> None:
    _, secret = make_key(formosa)
    wrong_tail = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    other_mode = secret.replace("tg_test_", "tg_live_")
    unknown = "tg_test_" + "0" * 8 + secret[16:]
    for wrong in (wrong_tail, other_mode, unknown, "", "tg_test_", secret + "A", "é"):
        assert find_key(wrong, START) is None


def test_every_look_up_compares_in_constant_time(
    formosa: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = make_key(formosa)
    compared: list[tuple[str, str]] = []

    def compare(stored: str, given: str) -> bool:
        compared.append((stored, given))
        return stored == given

    monkeypatch.setattr("accounts.keys.secrets.compare_digest", compare)
    find_key(secret, START)
    find_key("tg_test_" + "0" * 8 + secret[16:], START)
    assert [len(stored) for stored, _ in compared] == [64, 64]


def test_a_key_ends_when_it_expires(formosa: Organisation) -> None:
    end = START + timedelta(days=30)
    _, secret = make_key(formosa, expires_at=end)
    assert find_key(secret, end - timedelta(microseconds=1)) is not None
    assert find_key(secret, end) is None


def test_a_key_ends_when_it_is_revoked_and_that_is_on_record(
    formosa: Organisation, alice: User
) -> None:
    key, secret = make_key(formosa)
    assert revoke_key(key, actor=alice, reason="it leaked on a forum", at=START)
    assert not revoke_key(key, actor=alice, reason="it leaked on a forum", at=START)
    assert find_key(secret, START) is None
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.organisation) == (
        "revoke_api_key",
        alice,
        formosa,
    )


def test_issuing_a_key_is_on_record_without_its_secret(
    formosa: Organisation, alice: User
) -> None:
    _, secret = issue_key(
        "the shop",
        organisation=formosa,
        scopes=READS,
        expires_at=None,
        actor=alice,
        reason="for the new shop",
        at=START,
    )
    event = AuditEvent.objects.get(verb="issue_api_key")
    assert event.after == {"name": "the shop", "scopes": READS, "allowed_ips": []}
    assert secret not in str(AuditEvent.objects.values().get())


@pytest.mark.parametrize("scope", [Scope.CALLS_AUTHORIZE, Scope.CDRS_WRITE])
def test_a_customer_gets_no_key_that_writes_its_bill(
    formosa: Organisation, scope: Scope
) -> None:
    """Rule 1.7."""
    with pytest.raises(ValidationError) as refusal:
        create_key("switch", organisation=formosa, scopes=[scope], at=START)
    assert refusal.value.code == "scope_for_provider_only"
    assert not ApiKey.objects.exists()
    key, _ = create_key("switch", organisation=None, scopes=[scope], at=START)
    assert key.organisation is None


def test_a_key_for_nothing_or_already_expired_is_refused(db: None) -> None:
    with pytest.raises(ValidationError, match="what the key may do"):
        create_key("nothing", organisation=None, scopes=[], at=START)
    with pytest.raises(ValidationError, match="already be expired"):
        create_key("late", organisation=None, scopes=READS, at=START, expires_at=START)


def test_the_last_use_is_noted_once_a_minute(formosa: Organisation) -> None:
    key, secret = make_key(formosa)
    seconds = timedelta(seconds=1)
    for moment in (START, START + 59 * seconds):
        find_key(secret, moment)
    key.refresh_from_db()
    assert key.last_used_at == START
    find_key(secret, START + 60 * seconds)
    key.refresh_from_db()
    assert key.last_used_at == START + 60 * seconds
