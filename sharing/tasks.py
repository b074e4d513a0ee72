"""Celery's doors. The bell wakes a worker for one delivery; losing it only costs a second, the sweep's."""

from celery import shared_task

from sharing import delivery, worker


@shared_task(name="sharing.tasks.deliver", ignore_result=True)
def deliver(delivery_id: str) -> None:
    if not worker.is_ending():
        delivery.deliver(delivery_id)
