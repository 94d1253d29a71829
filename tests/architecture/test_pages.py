"""Templates keep the policy, and the colours can be read in both themes."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.architecture.sources import ROOT, name_of, project_files

STYLESHEET = ROOT / "static" / "app.css"
# What the policy forbids: styles and scripts inside a page, and scripts in attributes.
INLINE = {
    "a style attribute": r"<[^>]+\sstyle\s*=",
    "a style element": r"<style\b",
    "a script in the page": r"<script(?![^>]*\ssrc=)[^>]*>",
    "a handler in an attribute": r"<[^>]+\son[a-z]+\s*=",
    "htmx that evaluates": r"\bhx-on\b|\bhx-vals\s*=\s*[\"']js:",
    "a script address": r"(href|action)\s*=\s*[\"']javascript:",
}
TEXT = ["ink", "ink-2", "ink-3"]
GROUNDS = ["paper", "surface", "surface-2"]
PAIRS = [(text, ground) for text in TEXT for ground in GROUNDS]
PAIRS += [("brand", ground) for ground in (*GROUNDS, "brand-soft")]
PAIRS += [("brand-ink", "brand"), ("brand-ink", "brand-hover")]
PAIRS += [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad")]
PAIRS += [(tone, "surface") for tone in ("good", "warn", "bad")]
PAIRS += [(text, f"{tone}-soft") for text in TEXT[:2] for tone in ("warn", "bad")]
SHAPES = [("line-strong", ground) for ground in GROUNDS]
SHAPES += [("focus", ground) for ground in GROUNDS]


def inline(text: str) -> list[str]:
    return [what for what, pattern in INLINE.items() if re.search(pattern, text, re.I)]


def test_no_template_has_anything_inline() -> None:
    """Mails are no pages; their styles stand inline because mail programs want that."""
    found = [
        f"{name_of(path)}: {what}"
        for path in project_files()
        if path.suffix == ".html" and name_of(path).startswith("templates/")
        if not name_of(path).startswith("templates/email/")
        for what in inline(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '<b style="color: red">',
        "<style>b {}</style>",
        "<script>alert()</script>",
        '<b onclick="x()">',
        "<b hx-on:click='x()'>",
        '<a href="javascript:x()">',
    ],
)
def test_something_inline_is_found(text: str) -> None:
    assert inline(text)
    assert inline('<script src="/static/app.js" defer></script>') == []


# --- colours ----------------------------------------------------------------------


def tokens() -> dict[str, tuple[str, str]]:
    """Every colour: light, dark."""
    found = re.findall(
        r"--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)",
        STYLESHEET.read_text("utf-8"),
    )
    return {name: (light, dark) for name, light, dark in found}


def contrast(one: str, other: str) -> float:
    """As the accessibility guidelines reckon it."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def too_faint(
    pairs: list[tuple[str, str]], least: float, colours: dict[str, tuple[str, str]]
) -> Iterator[str]:
    for front, back in pairs:
        for theme, name in enumerate(("light", "dark")):
            ratio = contrast(colours[front][theme], colours[back][theme])
            if ratio < least:
                yield f"{name}: {front} on {back} is {ratio:.2f}"


def test_text_and_controls_can_be_read_in_both_themes() -> None:
    colours = tokens()
    assert len(colours) >= 20
    assert list(too_faint(PAIRS, 4.5, colours)) == []
    assert list(too_faint(SHAPES, 3.0, colours)) == []


def test_faint_text_is_found() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    faint = {"ink": ("#999999", "#999999"), "paper": ("#ffffff", "#000000")}
    assert list(too_faint([("ink", "paper")], 4.5, faint)) == [
        "light: ink on paper is 2.85"
    ]


def test_browsers_without_light_dark_get_the_light_colours() -> None:
    plain = dict(
        re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", STYLESHEET.read_text("utf-8"))
    )
    assert plain == {name: light for name, (light, _dark) in tokens().items()}


def test_the_layers_stand_in_their_order() -> None:
    text = STYLESHEET.read_text("utf-8")
    layers = ["reset", "tokens", "base", "layout", "components", "utilities"]
    assert f"@layer {', '.join(layers)};" in text
    places = [text.index(f"@layer {layer} {{") for layer in layers]
    assert all(sooner < later for sooner, later in pairwise(places))
