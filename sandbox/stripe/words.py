"""The pages in English and in Traditional Chinese, which `pages/zh_Hant.json` holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

ZH: dict[str, str] = json.loads(
    Path(__file__).with_name("pages").joinpath("zh_Hant.json").read_text("utf-8")
)


def language_of(locale: str | None, headers: Mapping[str, str]) -> str:
    """`zh-Hant` or `en`; the browser's own choice where the session leaves it open."""
    wanted = locale or "auto"
    if wanted == "auto":
        wanted = headers.get("Accept-Language", "en").partition(",")[0]
    return "zh-Hant" if wanted.lower().startswith("zh") else "en"


def translated(language: str, english: str) -> str:
    return ZH.get(english, english) if language == "zh-Hant" else english


def say(language: str, english: str, **values: str) -> str:
    return Template(translated(language, english)).safe_substitute(values)
