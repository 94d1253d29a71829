"""The staff page about jobs: what runs by itself, when it last did, what is late."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import JobRun
from accounts.read_only_admin import ReadOnlyAdmin
from config.timetable import has_worker_ever_run, read_timetable


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """Its list is the timetable; jobs about one thing stand below once they failed."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        jobs = read_timetable(now)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Jobs"),
            "at": now,
            "jobs": jobs,
            "late": sum(job.is_late for job in jobs),
            "has_run": has_worker_ever_run(jobs),
            "failed": JobRun.objects.filter(name__contains=":").exclude(error=""),
        }
        return TemplateResponse(request, "admin/config/jobs.html", context)
