"""The first line of a page's view says who may see it (rule 1.3).

The pages are those that the addresses lead to, so a new one cannot be forgotten.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.access import membership_for
from tests.architecture.sources import APPS

GUARDS = {"membership_for", "signed_in", "need_recent_sign_in"}
# Open to everyone, each for its reason.
OPEN_TO_ALL = {
    "accounts.views.choose_language": "before signing in, too",
    "accounts.views.choose_theme": "before signing in, too",
    "accounts.views.confirm_alert_address": "the link is signed; it is of that address",
    "accounts.views.stop_notices": "the link in a mail is signed; it stops that mail",
    "billing.views.help.show_help": "says how to reach support; shows no figures",
    "calling.rates.views.rates": "a price list is public; signed in, it is one's own",
    "calling.rates.views.rates_csv": "the same as a file",
}

View = Callable[..., Any]


def views(patterns: list[URLPattern | URLResolver]) -> Iterator[View]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif pattern.callback is not None:
            yield inspect.unwrap(pattern.callback)


def our_pages() -> Iterator[View]:
    """Views in the view modules of our apps; the API has keys instead of sessions."""
    for view in views(get_resolver().url_patterns):
        parts = view.__module__.split(".")
        if parts[0] in APPS and "views" in parts:
            yield view


def is_guarded(view: View) -> bool:
    function = ast.parse(textwrap.dedent(inspect.getsource(view))).body[0]
    assert isinstance(function, ast.FunctionDef), f"{view} is not a function"
    first = function.body[1 if ast.get_docstring(function) else 0]
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) in GUARDS
        for node in ast.walk(first)
    )


def test_every_page_asks_first_who_is_there() -> None:
    pages = {f"{view.__module__}.{view.__name__}": view for view in our_pages()}
    assert pages
    unguarded = {name for name, view in pages.items() if not is_guarded(view)}
    assert unguarded == set(OPEN_TO_ALL)


def late(request: HttpRequest) -> HttpResponse:
    """Asks only after it has done something."""
    answer = HttpResponse("secret")
    membership_for(request)
    return answer


def at_once(request: HttpRequest) -> HttpResponse:
    name = membership_for(request).organisation.name
    return HttpResponse(name)


def test_a_page_that_asks_late_is_found() -> None:
    assert not is_guarded(late)
    assert is_guarded(at_once)
