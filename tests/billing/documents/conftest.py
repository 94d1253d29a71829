"""Contoso's calls, as where months are closed."""

from tests.billing.collecting.conftest import provider
from tests.billing.invoicing.conftest import desk, pbx

__all__ = ["desk", "pbx", "provider"]
