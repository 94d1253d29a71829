"""What the payment page shows: the order, the cards, and what was wrong."""

import re
from collections.abc import Mapping

from sandbox.stripe.currency import shown
from sandbox.stripe.errors import Json
from sandbox.stripe.exchange import Answer
from sandbox.stripe.render import NONE, Html, fill, joined, page
from sandbox.stripe.words import say
from sandbox.stripe.work import Work

WORDS = {
    "payment": {
        "label": "Total due",
        "heading": "Pay by card",
        "title": "Pay $merchant",
        "submit": "Pay $amount",
        "failed": "Payment not taken",
    },
    "setup": {
        "label": "For later payments",
        "heading": "Card details",
        "title": "Save a card",
        "submit": "Save card",
        "failed": "Card not saved",
    },
}
SUBMIT = {"book": "Book for $amount", "donate": "Donate $amount"}
BRANDS = {"amex": "American Express", "mastercard": "Mastercard", "visa": "Visa"}
EMAIL = ("email", "Email", "", "email")
FIELDS = (
    ("number", "Card number", "4242 4242 4242 4242", "numeric"),
    ("expiry", "Expiry date", "MM / YY", "numeric"),
    ("cvc", "Security code", "123", "numeric"),
    ("name", "Name on card", "", "text"),
)

Texts = Mapping[str, str]


def show_form(
    work: Work, session: Json, language: str, *, typed: Texts, problems: Texts
) -> Answer:
    """`problems` maps a field, or "" for the whole, to what is wrong with it."""
    words, merchant = WORDS[session["mode"]], work.sandbox.merchant
    amount = say(language, words["title"])
    if session["mode"] == "payment":
        amount = shown(session["amount_total"], session["currency"])
    submit = SUBMIT.get(session["submit_type"], words["submit"])
    asks_email = not (session["customer"] or session["customer_email"])
    kept = {**typed, "cvc": ""}
    main = fill(
        "checkout.html",
        language,
        initial=merchant[:1].upper(),
        merchant=merchant,
        label=say(language, words["label"]),
        heading=say(language, words["heading"]),
        amount=amount,
        items=_items(session, language),
        alert=_alert(session, language, problems),
        email=_field(EMAIL, language, kept, problems) if asks_email else NONE,
        saved=_saved(saved_cards(work, session), language, typed),
        fields=joined([_field(field, language, kept, problems) for field in FIELDS]),
        consent=_consent(session, language, typed),
        submit=say(language, submit, amount=amount),
        cancel=link_to_shop(
            work, language, session["cancel_url"], "Cancel and return to $merchant"
        ),
    )
    title = say(language, words["title"], merchant=merchant)
    return page(language, title, main, leads_to=session["success_url"])


def offers_to_keep(session: Json) -> bool:
    """Is there a box for it? It makes no sense for someone who has no account."""
    options = session["saved_payment_method_options"] or {}
    return bool(session["customer"]) and options.get("payment_method_save") == "enabled"


def _consent(session: Json, language: str, typed: Texts) -> Html:
    is_kept = session["_intent_data"].get("setup_future_usage") == "off_session"
    if session["mode"] == "setup" or is_kept:
        return fill("consent.html", language)
    if not offers_to_keep(session):
        return NONE
    checked = Html(" checked") if typed.get("save") else NONE
    return fill("keep.html", language, checked=checked)


def saved_cards(work: Work, session: Json) -> list[Json]:
    """Those that may be shown: where the session says nothing, `always` ones alone."""
    if not session["customer"] or session["mode"] == "setup":
        return []
    options = session["saved_payment_method_options"] or {}
    allowed = options.get("allow_redisplay_filters") or ["always"]
    found = work.select("payment_method", customer=session["customer"])
    return [card for card in found if card["allow_redisplay"] in allowed]


def card_title(language: str, card: Json) -> str:
    brand = BRANDS[card["brand"]]
    return say(language, "$brand ending $last4", brand=brand, last4=card["last4"])


def link_to_shop(
    work: Work, language: str, address: str | None, words: str = "Return to $merchant"
) -> Html:
    if not address:
        return NONE
    label = say(language, words, merchant=work.sandbox.merchant)
    return fill("link.html", language, address=address, label=label)


def expiry_typed(text: str) -> tuple[int, int] | None:
    """Month and year as typed: `12/34`, `12 / 2034`, `1234`."""
    match = re.fullmatch(r"\s*(\d{1,2})\s*[/-]?\s*(\d{4}|\d{2})\s*", text)
    return (int(match[1]), int(match[2])) if match else None


def _items(session: Json, language: str) -> Html:
    rows = []
    for item in session["_line_items"]:
        count = ""
        if item["quantity"] > 1:
            count = say(language, "Quantity $quantity", quantity=str(item["quantity"]))
        detail = " · ".join(filter(None, (count, item["_detail"])))
        amount = shown(item["amount_total"], item["currency"])
        name = item["description"]
        rows.append(
            fill("item.html", language, name=name, detail=detail, amount=amount)
        )
    return joined(rows)


def _alert(session: Json, language: str, problems: Texts) -> Html:
    if not problems:
        return NONE
    sentence = say(language, problems.get("", "Check the fields marked below."))
    title = say(language, WORDS[session["mode"]]["failed"])
    return fill("alert.html", language, title=title, sentence=sentence)


def _saved(cards: list[Json], language: str, typed: Texts) -> Html:
    if not cards:
        return NONE
    chosen = typed.get("method", cards[0]["id"])
    rows = [
        (card["id"], card_title(language, card["card"]), card["card"]) for card in cards
    ]
    choices = [
        fill(
            "choice.html",
            language,
            value=value,
            checked=Html(" checked") if chosen == value else NONE,
            label=label,
            detail=_expiry(card, language) if card else "",
        )
        for value, label, card in [*rows, ("new", say(language, "Another card"), None)]
    ]
    return fill("saved.html", language, choices=joined(choices))


def _expiry(card: Json, language: str) -> str:
    expiry = f"{card['exp_month']:02d}/{card['exp_year'] % 100:02d}"
    return say(language, "Expires $expiry", expiry=expiry)


def _field(
    field: tuple[str, str, str, str], language: str, typed: Texts, problems: Texts
) -> Html:
    name, label, placeholder, inputmode = field
    problem, marks = NONE, NONE
    if name in problems:
        sentence = say(language, problems[name])
        problem = fill("problem.html", language, name=name, sentence=sentence)
        marks = Html(f' aria-invalid="true" aria-describedby="{name}-problem"')
    return fill(
        "field.html",
        language,
        name=name,
        label=say(language, label),
        value=typed.get(name, ""),
        placeholder=say(language, placeholder),
        inputmode=inputmode,
        marks=marks,
        problem=problem,
    )
