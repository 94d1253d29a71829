"""Whether a tax id can be right: its form, and the check digit where one is known.

Only the form is judged; whether the business exists is not asked anywhere.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

TAIWAN_WEIGHTS = (1, 2, 1, 2, 1, 2, 4, 1)

# VAT numbers of the European Union, after the country's prefix.
EU_VAT: dict[str, str] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}",
    "GR": r"\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
}
VAT_PREFIX = {"GR": "EL"}  # the rest use the country's code


def clean_tax_id(text: str, *, country: str) -> str:
    """The id without spaces and in capitals; a ValidationError if it cannot be one."""
    tax_id = re.sub(r"[\s.\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not tax_id:
        return ""
    if country == "TW" and not _is_taiwanese(tax_id):
        raise ValidationError(
            _("A Taiwanese business number has eight digits; check them."), "tax_id"
        )
    if country in EU_VAT and not _is_vat(tax_id, country):
        raise ValidationError(
            _("This is not a VAT number of this country; it begins with %(prefix)s."),
            "tax_id",
            {"prefix": VAT_PREFIX.get(country, country)},
        )
    return tax_id


def _is_taiwanese(tax_id: str) -> bool:
    """The weighted digits add up to a multiple of five; a seventh 7 counts twice."""
    if not re.fullmatch(r"[0-9]{8}", tax_id):
        return False
    products = [int(d) * w for d, w in zip(tax_id, TAIWAN_WEIGHTS, strict=True)]
    total = sum(product // 10 + product % 10 for product in products)
    return total % 5 == 0 or (tax_id[6] == "7" and (total + 1) % 5 == 0)


def _is_vat(tax_id: str, country: str) -> bool:
    prefix = VAT_PREFIX.get(country, country)
    return bool(re.fullmatch(prefix + EU_VAT[country], tax_id))
