"""What staff decide of countries for the kind of a call (rules 1.5 and 6.3)."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class CallCountry(models.Model):
    """A country that shares a domestic area with others, or lies in zone A.

    One that is not here is domestic to itself alone, and conference minutes do not
    reach it.
    """

    country = models.CharField(
        _("country"),
        max_length=2,
        unique=True,
        validators=[RegexValidator(r"^[A-Z]{2}$")],
        help_text=_("Two capital letters, such as US."),
    )
    domestic_area = models.SlugField(
        _("domestic area"),
        blank=True,
        help_text=_(
            "Calls between countries of one area are domestic; left empty, a country "
            "is domestic to itself alone."
        ),
    )
    is_in_zone_a = models.BooleanField(
        _("is in zone A"),
        default=False,
        help_text=_("Included conference minutes may dial out to it."),
    )

    class Meta:
        ordering = ["country"]
        verbose_name = _("country of calls")
        verbose_name_plural = _("countries of calls")

    def __str__(self) -> str:
        return self.country
