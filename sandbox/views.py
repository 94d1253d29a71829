"""The mailbox page: what Tollgate would have sent. Only where the sandbox is installed.

Open to everyone, since whoever signs up reads the code for it here.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sandbox.mail_folder import Mail, find_mail, list_mails

# A mail brings its own styles and nothing else; it can neither run nor fetch anything.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
)


def _mail_or_404(name: str) -> Mail:
    mail = find_mail(name)
    if mail is None:
        raise Http404(name)
    return mail


@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    return render(request, "sandbox/mailbox.html", {"mails": list_mails()})


@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "sandbox/mail.html", {"mail": _mail_or_404(name)})


@require_safe
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part as a mail program would show it."""
    headers = {"Content-Security-Policy": MAIL_POLICY}
    return HttpResponse(_mail_or_404(name).html, headers=headers)
