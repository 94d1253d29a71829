"""What must not be started: caught before anything goes wrong."""

import sys
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, register


@register()
def worker_without_pool(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The worker forks; a pool opened before would be shared by its children."""
    pools = [
        alias
        for alias, database in settings.DATABASES.items()
        if database.get("OPTIONS", {}).get("pool")
    ]
    if "qcluster" not in sys.argv or not pools:
        return []
    return [
        Critical(
            "The worker (qcluster) must not use a connection pool.",
            hint="Start it without DATABASE_POOL; the web processes may keep theirs.",
            id="tollgate.C001",
        )
    ]


@register(deploy=True)
def webhooks_reach_this_machine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A customer chooses where they go, and could so talk to our own services."""
    if not settings.WEBHOOKS_TO_LOOPBACK:
        return []
    return [
        Critical(
            "Webhooks may be posted to this machine.",
            hint="WEBHOOKS_TO_LOOPBACK is for development alone.",
            id="tollgate.C002",
        )
    ]
