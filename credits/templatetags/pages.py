"""Small pieces every page uses: the line drawings, and which page this is."""

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from credits.country_names import country_name
from credits.display import gap

register = template.Library()

_CIRCLE = '<circle cx="10" cy="10" r="7.2"/>'
DRAWINGS: dict[str, str] = {
    "overview": '<path d="M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z"/>',
    "credits": '<circle cx="10" cy="10" r="7"/><path d="M10 6.2v7.6M12.2 7.9c-.5-.7'
    "-1.3-1-2.2-1-1.2 0-2.2.6-2.2 1.6 0 2.2 4.6 1 4.6 3.2 0 1-1 1.6-2.4 1.6-1 0-1.9"
    '-.4-2.4-1.1"/>',
    "usage": '<path d="M3 17V3M3 17h14M6.5 13.5V10M10 13.5V6M13.5 13.5V8.5"/>',
    "subscriptions": '<path d="M4 5.5h12M4 10h12M4 14.5h7M14.5 13v4M12.5 15h4"/>',
    "invoices": '<path d="M5 3h10v14l-2.5-1.5L10 17l-2.5-1.5L5 17zM8 7h4M8 10.5h4"/>',
    "webhooks": '<circle cx="5" cy="14" r="2.5"/><circle cx="15" cy="14" r="2.5"/>'
    '<circle cx="10" cy="5.5" r="2.5"/><path d="M8.7 7.7 6.2 11.9M11.3 7.7l2.5 4.2"/>',
    "rates": '<path d="M10.5 3H16v5.5L8.7 15.8a1.5 1.5 0 0 1-2.1 0l-3.4-3.4a1.5 1.5 0'
    ' 0 1 0-2.1zM13 6.1v.2"/>',
    "help": _CIRCLE + '<path d="M8 8a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M10 13.9v.2"/>',
    "people": '<circle cx="10" cy="7" r="3"/>'
    '<path d="M4 17c.4-3.4 2.8-5 6-5s5.6 1.6 6 5"/>',
    "down": '<path d="m6 8 4 4 4-4"/>',
    "up": '<path d="m6 12 4-4 4 4"/>',
    "plus": '<path d="M10 4v12M4 10h12"/>',
    "check": '<path d="m4.5 10.5 3.5 3.5 7.5-8"/>',
    "clock": _CIRCLE + '<path d="M10 5.8V10l2.9 1.8"/>',
    "info": _CIRCLE + '<path d="M10 9.3v5M10 6.3v.2"/>',
    "stop": _CIRCLE + '<path d="M10 6v5M10 13.8v.2"/>',
    "warning": '<path d="M10 3 18 17H2zM10 8.3v4M10 14.6v.2"/>',
    "download": '<path d="M10 3v9M6.5 9 10 12.5 13.5 9M4 16.5h12"/>',
    "lock": '<path d="M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9"/>',
    "leave": '<path d="M12 6V3.5H4v13h8V14M8 10h9M14 7l3 3-3 3"/>',
    "turn": '<path d="M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 3v3.5H13"/>',
    "call": '<path d="M4.5 3h2.8l1.3 3.6-1.7 1.2a10 10 0 0 0 5.3 5.3l1.2-1.7L17 12.7'
    'v2.8A1.5 1.5 0 0 1 15.5 17 12.5 12.5 0 0 1 3 4.5 1.5 1.5 0 0 1 4.5 3z"/>',
}


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A drawing in the text's colour; decoration only, the words stand beside it."""
    return format_html(
        '<svg class="{}" viewBox="0 0 20 20" aria-hidden="true">{}</svg>',
        f"icon {classes}".strip(),
        mark_safe(DRAWINGS[name]),  # noqa: S308  # ours, from the table above
    )


@register.simple_tag(takes_context=True)
def here(context: template.Context, page: str, *below: str) -> SafeString:
    """Marks a link as the current page, or as the section the current page is in."""
    request: HttpRequest | None = context.get("request")
    match = request.resolver_match if request else None
    name = match.url_name if match else ""
    if name == page:
        return mark_safe(' aria-current="page"')
    return mark_safe(' aria-current="true"' if name in below else "")  # noqa: S308


register.simple_tag(gap)
register.filter("country", country_name)
