"""Staff hand in files of call records and fetch the fate of each row."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.models import Organisation
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from calling.formats.registry import FORMATS
from calling.models import CallUpload, Source
from calling.upload_calls import HandedIn, take_upload
from credits.write_csv import packed_response


class UploadForm(forms.Form):
    source = forms.ModelChoiceField(
        Source.objects.all(), label=gettext_lazy("Source"), to_field_name="slug"
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=[(name, name) for name in sorted(FORMATS)]
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.order_by("name"),
        label=gettext_lazy("Organisation"),
        required=False,
        to_field_name="slug",
        help_text=gettext_lazy(
            "Only if all calls of the file are this organisation's."
        ),
    )
    file = forms.FileField(label=gettext_lazy("File"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail. At least ten characters."),
    )


@admin.register(CallUpload)
class CallUploadAdmin(ReadOnlyAdmin):
    """Each file once; its result is a file as well."""

    list_display = (
        "name",
        "source",
        "format",
        "uploaded_at",
        "finished_at",
        "stored",
        "duplicates",
        "corrections",
        "waiting",
        "rejected",
    )
    list_filter = ("source", "format")
    list_select_related = ("source",)
    search_fields = ("name", "checksum")
    readonly_fields = ("result_file",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("calling.add_callupload")

    def get_urls(self) -> list[URLPattern]:
        fetch = self.admin_site.admin_view(self.fetch_result)
        own = path("<int:pk>/result.csv", fetch, name="calling_callupload_result")
        return [own, *super().get_urls()]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; a good one is taken in and left to the worker."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                upload = _take(request, form)
            except TollgateError as refusal:
                form.add_error("file", str(refusal))
            else:
                told = _("The file %(name)s is being imported.") % {"name": upload.name}
                self.message_user(request, told, messages.SUCCESS)
                return redirect("admin:calling_callupload_changelist")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import call records"),
            "form": form,
        }
        return TemplateResponse(request, "admin/calling/upload.html", context)

    def fetch_result(self, request: HttpRequest, pk: int) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        upload = get_object_or_404(CallUpload, pk=pk)
        if upload.result is None:
            raise Http404
        return packed_response(f"result-{upload.pk}.csv", bytes(upload.result))

    @admin.display(description=gettext_lazy("result, row by row"))
    def result_file(self, upload: CallUpload) -> SafeString | str:
        if upload.result is None:
            return "-"
        address = reverse("admin:calling_callupload_result", args=[upload.pk])
        return format_html('<a href="{}">result-{}.csv</a>', address, upload.pk)


def _take(request: HttpRequest, form: UploadForm) -> CallUpload:
    given = form.cleaned_data
    file = given["file"]
    return take_upload(
        HandedIn(file.read(), file.name, given["format"]),
        given["source"],
        organisation=given["organisation"],
        actor=signed_in(request),
        reason=given["reason"],
        at=timezone.now(),
    )
