"""A key store of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from tests.support.keystores import KeyStore, Silent


@pytest.fixture
def key_store(monkeypatch) -> Iterator[dict[str, str]]:
    """What the key store holds."""
    monkeypatch.delenv("TEST_KEY_STORE", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(KeyStore())
    Silent.over.clear()
    KeyStore.kept.clear()
    yield KeyStore.kept
    Silent.over.set()
    KeyStore.kept.clear()
    keyring.set_keyring(before)
