"""Why a card was declined, for templates: the words of billing/decline_reasons.py."""

from django import template

from billing.decline_reasons import decline_reason

register = template.Library()
register.filter("decline_reason", decline_reason)
