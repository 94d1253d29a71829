"""What the layouts of mails need; each mail's own words stand in its folder."""

import re

from django import template
from django.utils.html import linebreaks
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def paragraphs(rendered: SafeString) -> str:
    """Each paragraph of a text that is escaped already, as an HTML one."""
    return linebreaks(one_gap(rendered))


def one_gap(text: str) -> str:
    """Without the empty lines that a sentence left out would leave behind."""
    return re.sub(r"\n\s*\n", "\n\n", text).strip()
