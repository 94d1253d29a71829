"""Who sells and who buys, written down when a document is issued (rule 10.2).

Names, addresses and tax ids change; an issued document keeps what stood there that day.
"""

from typing import Any

from accounts.models import Organisation, ProviderSettings


def parties_of(
    organisation: Organisation, provider: ProviderSettings
) -> dict[str, Any]:
    """Both parties, the language of the document and the zone of its days, as JSON."""
    return {
        "provider": {
            "name": provider.name,
            "address": provider.address,
            "tax_id": provider.tax_id,
            "bank_details": provider.bank_details,
            "support_email": provider.support_email,
            "support_phone": provider.support_phone,
            "is_uniform_invoice": provider.issues_uniform_invoices,
        },
        "customer": {
            "name": organisation.name,
            "address": organisation.address,
            "country": organisation.country,
            "tax_id": organisation.tax_id,
            "billing_email": organisation.billing_email,
        },
        "language": organisation.language,
        "time_zone": organisation.time_zone,
    }
