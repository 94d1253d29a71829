"""Writes the timetable of config/schedule.py into the worker's own table."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from config.schedule import SCHEDULE


class Command(BaseCommand):
    help = "Writes the timetable into the worker's table; removes what is gone from it."

    def handle(self, *args: Any, **options: Any) -> None:
        names = [line.name for line in SCHEDULE]
        with transaction.atomic():
            for line in SCHEDULE:
                Schedule.objects.update_or_create(
                    name=line.name,
                    defaults={
                        "func": line.function,
                        "schedule_type": Schedule.CRON,
                        "cron": line.cron,
                        "repeats": -1,
                    },
                    create_defaults={
                        "func": line.function,
                        "schedule_type": Schedule.CRON,
                        "cron": line.cron,
                        "repeats": -1,
                        "next_run": timezone.now(),
                    },
                )
            gone, _ = Schedule.objects.exclude(name__in=names).delete()
        self.stdout.write(f"{len(names)} timed jobs written, {gone} removed.")
