from django.urls import path

from billing.views.add_funds import add_funds, review_funds
from billing.views.alert_addresses import add_address, remove_address
from billing.views.auto_recharge import auto_recharge, switch_off_recharge
from billing.views.credits import activity_csv, credits_page
from billing.views.help import show_help
from billing.views.invoices import (
    invoice,
    invoice_calls,
    invoice_pdf,
    invoices,
    pay_invoice,
    top_up_pdf,
    transfer_pdf,
)
from billing.views.move_to_nce import (
    confirm_post_paid,
    move_to_post_paid,
    moved_to_post_paid,
)
from billing.views.notices import choose_notices, notices
from billing.views.open_organisation import open_organisation
from billing.views.organisation import close, hand_over, organisation
from billing.views.overview import overview
from billing.views.payment_methods import (
    add_card,
    card_setup,
    make_default_card,
    payment_methods,
    remove_payment_method,
)
from billing.views.recharge_settings import (
    auto_recharge_settings,
    review_auto_recharge,
)
from billing.views.statements import (
    statement,
    statement_csv,
    statement_pdf,
    statements,
)
from billing.views.subscriptions import communications_credits, subscriptions
from billing.views.top_up import approve_payment, top_up
from billing.views.transfers import (
    announce_transfer,
    cancel_transfer,
    transfer,
    transfer_receipt,
)

urlpatterns = [
    path("", overview, name="overview"),
    path("open/", open_organisation, name="open_organisation"),
    path("credits/", credits_page, name="credits"),
    path("credits/activity.csv", activity_csv, name="activity_csv"),
    path("credits/add/", add_funds, name="add_funds"),
    path("credits/add/review/", review_funds, name="review_funds"),
    path("top-ups/<int:pk>/", top_up, name="top_up"),
    path("top-ups/<int:pk>/approve/", approve_payment, name="approve_payment"),
    path("credits/transfer/", announce_transfer, name="announce_transfer"),
    path("transfers/<int:pk>/", transfer, name="transfer"),
    path("transfers/<int:pk>/cancel/", cancel_transfer, name="cancel_transfer"),
    path("receipts/<int:pk>/", transfer_receipt, name="transfer_receipt"),
    path("receipts/<int:pk>/receipt.pdf", transfer_pdf, name="transfer_pdf"),
    path("top-ups/<int:pk>/receipt.pdf", top_up_pdf, name="top_up_pdf"),
    path("invoices/", invoices, name="invoices"),
    path("invoices/<int:pk>/", invoice, name="invoice"),
    path("invoices/<int:pk>/pay/", pay_invoice, name="pay_invoice"),
    path("invoices/<int:pk>/invoice.pdf", invoice_pdf, name="invoice_pdf"),
    path("invoices/<int:pk>/calls.csv", invoice_calls, name="invoice_calls"),
    path("statements/", statements, name="statements"),
    path("statements/<slug:month>/", statement, name="statement"),
    path("statements/<slug:month>/statement.csv", statement_csv, name="statement_csv"),
    path("statements/<slug:month>/statement.pdf", statement_pdf, name="statement_pdf"),
    path("subscriptions/", subscriptions, name="subscriptions"),
    path(
        "subscriptions/communications-credits/",
        communications_credits,
        name="communications_credits",
    ),
    path("subscriptions/post-paid/", move_to_post_paid, name="move_to_post_paid"),
    path(
        "subscriptions/post-paid/confirm/", confirm_post_paid, name="confirm_post_paid"
    ),
    path(
        "subscriptions/post-paid/done/", moved_to_post_paid, name="moved_to_post_paid"
    ),
    path("auto-recharge/", auto_recharge, name="auto_recharge"),
    path(
        "auto-recharge/settings/", auto_recharge_settings, name="auto_recharge_settings"
    ),
    path("auto-recharge/review/", review_auto_recharge, name="review_auto_recharge"),
    path("auto-recharge/off/", switch_off_recharge, name="switch_off_recharge"),
    path("payment-methods/", payment_methods, name="payment_methods"),
    path("payment-methods/add/", add_card, name="add_card"),
    path("payment-methods/setups/<int:pk>/", card_setup, name="card_setup"),
    path(
        "payment-methods/<int:pk>/default/", make_default_card, name="make_default_card"
    ),
    path(
        "payment-methods/<int:pk>/remove/",
        remove_payment_method,
        name="remove_payment_method",
    ),
    path("notices/", notices, name="notices"),
    path("notices/addresses/", add_address, name="add_alert_address"),
    path(
        "notices/addresses/<int:number>/remove/",
        remove_address,
        name="remove_alert_address",
    ),
    path("notices/choose/", choose_notices, name="choose_notices"),
    path("organisation/", organisation, name="organisation"),
    path("organisation/owner/", hand_over, name="hand_over"),
    path("organisation/close/", close, name="close_organisation"),
    path("help/", show_help, name="help"),
]
