"""Countries by name, in the reader's language.

The names are the Unicode consortium's, which the currency library brings along.
"""

from babel import Locale
from django.utils.translation import get_language


def names_locale() -> Locale:
    chinese = (get_language() or "").startswith("zh")
    return Locale.parse("zh_Hant" if chinese else "en")


def country_name(code: str) -> str:
    return str(names_locale().territories.get(code, code))
