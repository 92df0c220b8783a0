"""What Celery runs: nothing but the queue's own loop, and the clock that keeps it going."""

from matching import service
from portal.cases import assignments
from portal.celery import app
from portal.core import clock
from portal.jobs import queue, run
from portal.operations import publication
from portal.statistics import releases


@app.task(name="portal.drain")
def drain() -> None:
    """Work until nothing is due. One worker's message may find the table empty already; that costs two queries."""
    catch_up()
    run.drain()


@app.task(name="portal.sweep")
def sweep() -> None:
    """Find what a lost message or a dead worker left behind, and show that workers live."""
    run.beat("worker")
    catch_up()
    service.write_journal()
    queue.set_right()
    publication.plan_next()
    releases.plan_next()
    assignments.fill()
    run.drain()


@app.task(name="portal.hourly")
def hourly() -> None:
    catch_up()
    hour = clock.now().strftime("%Y-%m-%dT%H")
    queue.enqueue("retention.run", hour)
    queue.enqueue("attention.tell", hour)
    run.drain()


def catch_up() -> None:
    """Before any job of a restored database, which may not know that a hold keeps what it is to delete."""
    if service.is_behind():
        service.replay_tombstones()
