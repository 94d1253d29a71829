"""What is answered when something broke: no database, no context, only an id."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.request_id import current_request_id
from config.problems import crashed


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: whatever broke may break again."""
    if request.path.startswith("/api/"):
        return crashed(request)
    context = {"request_id": current_request_id()}
    return render(None, "500.html", context, status=500)
