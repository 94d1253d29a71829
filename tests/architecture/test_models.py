"""What every model of ours must be: a sale keeps its rule, money never cascades."""

from collections.abc import Iterator
from typing import ClassVar

from django.apps import apps
from django.db import models
from django.db.models.fields.related import ForeignKey
from django.test.utils import isolate_apps

from credits.models import PrepaidOnly
from credits.models.prepaid_only import NOT_FOR_SALE

MONEY_APPS = {"credits", "calling", "billing"}
SALES = {"TopUp", "StaffPayment", "RechargeAttempt", "AutoRecharge"}  # rule 2.1


def ours(*labels: str) -> Iterator[type[models.Model]]:
    for model in apps.get_models():
        is_history = model.__name__.startswith("Historical")
        if model._meta.app_label in labels and not is_history:
            yield model


def lost_the_rule(model: type[models.Model]) -> bool:
    """Whether a sale's Meta was replaced and its CHECK lost with it."""
    return not any(
        constraint.name.startswith(f"{NOT_FOR_SALE}__")
        for constraint in model._meta.constraints
    )


def loose_relations(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.local_fields:
        if not isinstance(field, ForeignKey):
            continue
        if field.remote_field.on_delete is not models.PROTECT:
            yield f"{model.__name__}.{field.name}"


def test_every_sale_keeps_the_rule_that_nce_cannot_buy() -> None:
    sales = [model for model in ours(*MONEY_APPS) if issubclass(model, PrepaidOnly)]
    assert sales
    assert [model.__name__ for model in sales if lost_the_rule(model)] == []


def test_whatever_sells_credit_inherits_the_rule() -> None:
    free = [
        model.__name__
        for model in ours(*MONEY_APPS)
        if model.__name__ in SALES and not issubclass(model, PrepaidOnly)
    ]
    assert free == []


def test_nothing_near_money_is_deleted_along_with_something_else() -> None:
    assert [
        line for model in ours(*MONEY_APPS) for line in loose_relations(model)
    ] == []


def test_constraints_and_indexes_have_names_that_fit_both_engines() -> None:
    limit = 63  # PostgreSQL cuts a longer name silently
    names = [
        thing.name
        for model in ours("accounts", *MONEY_APPS)
        for thing in (*model._meta.constraints, *model._meta.indexes)
    ]
    assert [name for name in names if len(name) > limit] == []


@isolate_apps("billing")
def test_a_sale_without_the_rule_and_a_cascade_are_found() -> None:
    class Sale(PrepaidOnly):
        seller = models.ForeignKey(
            "accounts.User", on_delete=models.CASCADE, related_name="+"
        )

        class Meta:
            app_label = "billing"
            constraints: ClassVar[list[models.BaseConstraint]] = []

    assert lost_the_rule(Sale)
    assert list(loose_relations(Sale)) == ["Sale.seller"]
