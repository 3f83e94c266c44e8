"""`storage job list` and `wait`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import selection

if TYPE_CHECKING:
    from hvctl.models.storage import StorageJob
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context) -> None:
    """List what storage pools are doing on their own.

    Repairs, regenerations and rebalancing. The percentage may fall, for the total can grow.

        hvctl storage job list
    """
    from hvctl.models.storage import StorageJob
    from hvctl.services.storage.service import StorageService

    def work(session: Session, _: Selection) -> Sequence[StorageJob]:
        return StorageService(session, timeout=context.timeout).jobs()

    context.read(selection(context, ()), work, model=StorageJob)


@command()
def wait(context: Context) -> None:
    """Wait until no storage job is at work.

    When --timeout passes first, the exit code is 7, and the jobs go on.

        hvctl storage job wait --timeout 2h
    """
    from hvctl.models.storage import StorageJob
    from hvctl.services.storage.service import StorageService

    def work(session: Session, _: Selection) -> Sequence[StorageJob]:
        def seen(jobs: Sequence[StorageJob]) -> None:
            for job in jobs:
                context.detail(f"{job.name}: {job.state}, {job.percent} %")

        return StorageService(session, timeout=context.timeout).wait_for_jobs(seen=seen)

    context.read(selection(context, ()), work, model=StorageJob)
