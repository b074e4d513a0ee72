"""Pages by key, never by number: page 1,000 costs what page 1 costs, and nothing is seen twice or missed."""

import base64
import json
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from prescriptions.fhir import FhirError

MOST = 200


def page(queryset, request, *, by: str = "created_at") -> tuple[list, str | None]:
    """The rows of this page, newest first, and the address of the next one."""
    count = _count(request.query_params.get("_count", "50"))
    after = request.query_params.get("_after", "")
    if after:
        at, pk = _read(after)
        queryset = queryset.filter(Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk}))
    rows = list(queryset.order_by(f"-{by}", "-pk")[: count + 1])
    if len(rows) <= count:
        return rows, None
    last = rows[count - 1]
    params = request.query_params.copy()
    params["_after"] = _write(getattr(last, by), last.pk)
    return rows[:count], f"{request.build_absolute_uri(request.path)}?{params.urlencode()}"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise FhirError("_count", f"_count is a whole number from 1 to {MOST}.", "parameter-invalid")
    return int(text)


def _write(at: datetime, pk) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(pk)]).encode()).decode()


def _read(text: str) -> tuple[datetime, UUID]:
    try:
        at, pk = json.loads(base64.urlsafe_b64decode(text))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(pk)
    except (ValueError, TypeError) as error:
        raise FhirError("_after", "_after is what the last page's next link says.", "parameter-invalid") from error
