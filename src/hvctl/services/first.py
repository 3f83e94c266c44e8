"""What another host must have done before a plan runs."""

from __future__ import annotations

from dataclasses import dataclass

from hvctl.powershell.batch import Batch
from hvctl.services.failures import failure_of
from hvctl.transports.result import Result
from hvctl.transports.session import Session

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
PATIENCE = 30.0
"""Seconds that the host has for what it goes on with after the cmdlet has returned."""


@dataclass(frozen=True, slots=True)
class First:
    """What must succeed on another host before a plan runs.

    Attributes:
        session: That host.
        batch: What is sent there.
        failed: What to say when it fails.
        ended: What goes well once that has taken effect, where the host takes its time.
    """

    session: Session
    batch: Batch
    failed: str
    ended: Batch | None = None

    def run(self) -> None:
        """Run it, and wait until it has taken effect.

        Raises:
            HvctlError: It failed; the plan must not run.
        """
        result = self.session.run(self.batch)
        if result.ok and self.ended is not None:
            result = self._awaited(self.ended)
        if not result.ok and result.failure is not None:
            raise failure_of(result.failure, result, host=self.session.host, message=self.failed)

    def _awaited(self, ended: Batch) -> Result:
        clock = self.session.clock
        started, pause = clock.monotonic(), FIRST_PAUSE
        while True:
            result = self.session.run(ended)
            if result.ok or clock.monotonic() - started >= PATIENCE:
                return result
            clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
