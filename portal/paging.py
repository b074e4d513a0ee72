"""A long list, page by page. The next page begins after the last card of this one, whatever is added meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404

Card = TypeVar("Card")


@dataclass(frozen=True)
class Page(Generic[Card]):
    """`last`: the card that the next page follows, None when there is no next page."""

    cards: list[Card]
    last: Card | None = None


def page_from(cards: Iterable[Card], size: int) -> Page[Card]:
    """One more than `size` is asked for: it tells that there is another page."""
    found = list(islice(cards, size + 1))
    shown = found[:size]
    return Page(shown, shown[-1] if len(found) > size else None)


def last_of_page_before(request, rows):
    """The row that `?apres=` names, None on the first page. One that is not among `rows`, or no id at all, is 404."""
    pk = request.GET.get("apres")
    if not pk:
        return None
    try:
        return get_object_or_404(rows, pk=pk)
    except ValidationError:
        raise Http404
