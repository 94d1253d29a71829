"""The cast and the rules every test lives under."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from accounts.keys import forget_keys
from accounts.models import BillingMode, Organisation, Role, User
from calling.authorise.remember import forget_everything
from tests import makers
from tests.built_schema import copy_sqlite, template_on_postgresql
from tests.machine import PROGRAMS, missing_program, on_ci

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
LOOPBACK = ("127.", "::1", "localhost")
# The browser's driver keeps a loop in this thread, where Django would refuse queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

hypothesis_settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis_settings.register_profile("ci", deadline=None, max_examples=200)
hypothesis_settings.register_profile("nightly", deadline=None, max_examples=5_000)
hypothesis_settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if on_ci() else "dev")
)


# --- what runs where ------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="Run only tests that may touch the database; the others cannot: "
        "pytest-django closes it to them.",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if not config.getoption("--database-only"):
        return
    left_out = [item for item in items if not _may_touch_the_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _may_touch_the_database(item)]


def _may_touch_the_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & DATABASE_FIXTURES) or bool(item.get_closest_marker("django_db"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What this machine cannot run is skipped with a sentence, and fails on CI."""
    for marker in PROGRAMS:
        if item.get_closest_marker(marker) and (reason := missing_program(marker)):
            (pytest.fail if on_ci() else pytest.skip)(reason)
    if item.get_closest_marker("postgresql") and not _on_postgresql():
        pytest.skip("SQLite has no row locks; this runs in the PostgreSQL pass.")


def _on_postgresql() -> bool:
    return connections["default"].vendor == "postgresql"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A SQLite file of its own per run and worker; two runs in one tree never meet."""
    database = connections.settings["default"]
    if _on_postgresql():
        who = f"{database['USER']}:{database['PASSWORD']}"
        where = f"{database['HOST']}:{database['PORT'] or 5432}"
        server = f"postgres://{who}@{where}"
        database["TEST"]["TEMPLATE"] = template_on_postgresql(server)
        return
    file = tmp_path_factory.mktemp("database") / "test_tollgate.sqlite3"
    copy_sqlite(file)
    database["TEST"]["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """The SQLite file is there already, and goes with its folder."""
    return bool(request.config.getvalue("reuse_db")) or not _on_postgresql()


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test speaks to the outside: sockets are closed except to this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and not str(host).startswith(LOOPBACK):
            self.close()
            raise AssertionError(f"A test tried to reach {host}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page asked for in Chinese leaves its language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def no_facts_remembered() -> None:
    """Rows that were rolled back leave their ids and counts to the next test's."""
    forget_everything()
    forget_keys()


# --- the cast -------------------------------------------------------------------------


@pytest.fixture
def alice(db: None) -> User:
    """Owns Formosa, which is prepaid."""
    return makers.make_user("alice@formosa.example", name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    """Reads along at Formosa."""
    return makers.make_user("bob@formosa.example", name="Bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Owns Contoso, which is on NCE, and must never see Formosa."""
    return makers.make_user("charlie@contoso.example", name="Charlie")


@pytest.fixture
def formosa(alice: User, bob: User) -> Organisation:
    """A prepaid organisation in Taipei that pays in US dollars."""
    organisation = makers.make_organisation("Formosa Tea Trading", slug="formosa")
    makers.make_member(organisation, alice, Role.OWNER)
    makers.make_member(organisation, bob, Role.VIEWER)
    return organisation


@pytest.fixture
def contoso(charlie: User) -> Organisation:
    """An organisation on the new commerce experience."""
    organisation = makers.make_organisation(
        "Contoso", slug="contoso", billing_mode=BillingMode.NCE
    )
    makers.make_member(organisation, charlie, Role.OWNER)
    return organisation
