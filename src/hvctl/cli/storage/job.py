"""`storage job list` and `wait`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import selection
from hvctl.cli.storage.words import JobNames

if TYPE_CHECKING:
    from hvctl.models.storage import StorageJob
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: JobNames = None) -> None:
    """List what storage pools are doing on their own.

    Repairs, regenerations and rebalancing. The percentage may fall, for the total can grow.

        hvctl storage job list
    """
    from hvctl.models.storage import StorageJob
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[StorageJob]:
        return StorageService(session, timeout=context.timeout).jobs(chosen)

    context.read(selection(context, names), work, model=StorageJob)


@command()
def wait(context: Context, names: JobNames = None) -> None:
    """Wait until storage jobs are over: those named, or all.

    It waits for as long as they take, or for --timeout: then the exit code is 7, and the jobs go on.

        hvctl storage job wait --timeout 2h
    """
    from hvctl.models.storage import StorageJob
    from hvctl.services.storage.service import StorageService

    every = selection(context, names)
    alone = len(context.shares(every)) == 1

    def work(session: Session, chosen: Selection) -> Sequence[StorageJob]:
        def seen(jobs: Sequence[StorageJob]) -> None:
            for job in jobs:
                context.detail(f"{session.host}: {job.name}: {job.state}, {job.percent} %")
                if alone:
                    context.show_progress(job.name, job.state, job.percent)

        service = StorageService(session, timeout=context.timeout)
        return service.wait_for_jobs(chosen, seen=seen, limit=context.patience)

    context.read(every, work, model=StorageJob)
