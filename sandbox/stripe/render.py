"""Pages are put together here: templates, words, escaping, and their strict policy."""

import re
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from sandbox.stripe.deliver import LOOPBACK
from sandbox.stripe.exchange import Answer
from sandbox.stripe.words import translated

PAGES = Path(__file__).with_name("pages")
STYLESHEET = "/_sandbox/style.css"


class Html(str):
    """Text that is already HTML; everything else is escaped."""

    __slots__ = ()


NONE = Html()


def fill(template: str, language: str, **values: object) -> Html:
    """`{{English}}` in a template is translated, `$name` is filled in and escaped."""
    text = (PAGES / template).read_text(encoding="utf-8").rstrip("\n")
    text = re.sub(r"{{(.+?)}}", lambda found: translated(language, found[1]), text)
    safe = {
        name: value if isinstance(value, Html) else escape(str(value))
        for name, value in values.items()
    }
    return Html(Template(text).substitute(safe))


def joined(parts: list[Html]) -> Html:
    return Html("\n".join(parts))


def page(
    language: str,
    title: str,
    main: Html,
    *,
    status: int = 200,
    leads_to: str | None = None,
) -> Answer:
    content = fill("layout.html", language, lang=language, title=title, main=main)
    return Answer(status, content, "text/html; charset=utf-8", _headers(leads_to))


def message(
    language: str, title: str, sentence: str, *, link: Html = NONE, status: int = 200
) -> Answer:
    main = fill("message.html", language, title=title, sentence=sentence, link=link)
    return page(language, title, main, status=status)


def redirect(address: str) -> Answer:
    return Answer(303, "", headers={"Location": address, "Cache-Control": "no-store"})


def stylesheet() -> Answer:
    text = (PAGES / "style.css").read_text(encoding="utf-8")
    return Answer(200, text, "text/css; charset=utf-8", {"Cache-Control": "no-cache"})


def is_loopback(address: str) -> bool:
    return urlsplit(address).hostname in LOOPBACK


def _headers(leads_to: str | None) -> dict[str, str]:
    # Browsers hold the redirect after a form to form-action as well.
    forms = "'self'"
    if leads_to and is_loopback(leads_to):
        parts = urlsplit(leads_to)
        forms += f" {parts.scheme}://{parts.netloc}"
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src"
        f" data:; form-action {forms}; base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
