"""Form fields as our pages show them."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField) -> SafeString:
    """The input without a placeholder: the label above says it already."""
    return field.as_widget(attrs={"placeholder": False})


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether the label stands beside the input rather than above it."""
    return getattr(field.field.widget, "input_type", "") == "checkbox"
