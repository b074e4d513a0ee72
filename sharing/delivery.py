"""The row is the queue (reliability.md)."""

from sharing.models import Delivery, Share, ThreadMessage


def enqueue_share(share: Share) -> Delivery:
    raise NotImplementedError


def enqueue_words(share: Share, words: ThreadMessage) -> Delivery:
    raise NotImplementedError


def cancel_or_recall(share: Share) -> Delivery | None:
    raise NotImplementedError
