"""Each request is told once: a line of log and two metrics, by the name of its route. The proxy's own access log, which
would hold paths, is kept off (docs/operations/install.md)."""

import logging
import secrets
import time

from django.conf import settings

from portal import metrics
from portal.logs import request_id, route_of

log = logging.getLogger(__name__)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # a client may write any word there


def tell_requests(get_response):
    """Outermost: what it counts is what leaves, errors included. The request's id is in its lines of log, in the
    answer's X-Request-ID and on the page that says something broke."""

    def middleware(request):
        started = time.perf_counter()
        here = request_id.set(secrets.token_hex(5))
        try:
            response = get_response(request)
            response.headers["X-Request-ID"] = request_id.get()
            if not request.path.startswith(settings.STATIC_URL):
                _tell(request, response.status_code, time.perf_counter() - started)
            return response
        finally:
            request_id.reset(here)

    return middleware


def _tell(request, status: int, seconds: float) -> None:
    route, method = route_of(request), request.method if request.method in METHODS else "other"
    metrics.REQUESTS.labels(route, method, status).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    milliseconds = round(seconds * 1000)
    facts = {"method": method, "route": route, "status": status, "milliseconds": milliseconds}
    log.info("%s %s %s in %s ms", method, route, status, milliseconds, extra={"facts": facts})
