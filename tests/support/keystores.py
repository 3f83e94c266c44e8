"""Key stores for tests: one in a file, and others that fail as real ones do."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class KeyStore(KeyringBackend):
    """A key store in memory, or in the file that `TEST_KEY_STORE` names, where several processes see it."""

    priority = 1  # type: ignore[assignment] # a class property in the base
    kept: ClassVar[dict[str, str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        there = self._read()
        if there.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("not found")
        self._write(there)

    def _read(self) -> dict[str, str]:
        path = self._file()
        if path is None:
            return dict(self.kept)
        return json.loads(path.read_text()) if path.exists() else {}

    def _write(self, kept: dict[str, str]) -> None:
        path = self._file()
        if path is not None:
            path.write_text(json.dumps(kept))
            return
        self.kept.clear()
        self.kept.update(kept)

    @staticmethod
    def _file() -> Path | None:
        named = os.environ.get("TEST_KEY_STORE")
        return Path(named) if named else None


class Silent(KeyStore):
    """Waits for somebody to unlock it, who does not come until the test is over."""

    priority = 1  # type: ignore[assignment] # a class property in the base
    over: ClassVar[threading.Event] = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.over.wait(60)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.over.wait(60)


class Talkative(KeyStore):
    """Fails, and repeats what it was given."""

    priority = 1  # type: ignore[assignment] # a class property in the base

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"cannot look up {service} {username}: {sorted(self.kept.values())}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password!r}")
