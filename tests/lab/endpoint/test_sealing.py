"""Sealed bodies: what is wrapped is unwrapped, what was tampered with is refused, pywinrm reads and writes the same."""

from __future__ import annotations

import struct
from contextlib import suppress
from types import SimpleNamespace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from winrm.encryption import Encryption

from hvctl.lab.endpoint.sealing import CONTENT_TYPE, UnsealError, is_sealed, unwrap, wrap

pytestmark = pytest.mark.unit


class Mirror:
    """Seals by turning bytes round; the signature is their sum."""

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        return struct.pack("<QQ", sum(message), len(message)), message[::-1]

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        if self.seal(sealed[::-1])[0] != signature:
            raise UnsealError
        return sealed[::-1]


class MirrorSecurity:
    """The same, in the form in which pywinrm wants it."""

    def wrap(self, message: bytes) -> tuple[bytes, bytes]:
        signature, sealed = Mirror().seal(message)
        return sealed, signature

    def unwrap(self, message: bytes, signature: bytes) -> bytes:
        return Mirror().unseal(signature, message)


class PywinrmSession:
    headers: ClassVar[dict[str, str]] = {}
    auth = SimpleNamespace(session_security=MirrorSecurity())

    def prepare_request(self, request):
        return SimpleNamespace(body=request.data, headers={})


@given(st.binary(max_size=300) | st.just(b"--Encrypted Boundary--\r\n"))
def test_what_is_wrapped_is_unwrapped(message):
    assert unwrap(Mirror(), wrap(Mirror(), message)) == message


def test_pywinrm_writes_what_is_unwrapped_and_reads_what_is_wrapped():
    client = Encryption(PywinrmSession(), "ntlm")
    sent = client.prepare_encrypted_request(PywinrmSession(), "http://127.0.0.1/wsman", b"<request/>")
    assert is_sealed(sent.headers["Content-Type"])
    assert unwrap(Mirror(), sent.body) == b"<request/>"
    answer = SimpleNamespace(
        headers={"Content-Type": CONTENT_TYPE},
        content=wrap(Mirror(), b"<answer/>"),
        request=SimpleNamespace(url="http://127.0.0.1/wsman"),
    )
    assert client.parse_encrypted_response(answer) == b"<answer/>"


@given(st.binary(max_size=300))
def test_garbage_is_refused(body):
    with pytest.raises(UnsealError):
        unwrap(Mirror(), body)


@given(st.data())
def test_what_was_changed_is_refused_or_the_same(data):
    body = bytearray(wrap(Mirror(), b"<x>17</x>"))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    with suppress(UnsealError):
        assert unwrap(Mirror(), bytes(body)) == b"<x>17</x>"


@pytest.mark.parametrize("size", [-1, 0, 1025, 2**31 - 1])
def test_a_signature_of_no_sense_is_refused(size):
    body = wrap(Mirror(), b"<x/>")
    at = body.index(struct.pack("<i", 16))
    with pytest.raises(UnsealError, match="no signature"):
        unwrap(Mirror(), body[:at] + struct.pack("<i", size) + body[at + 4 :])


def test_another_length_than_it_says_is_refused():
    with pytest.raises(UnsealError, match="not as long"):
        unwrap(Mirror(), wrap(Mirror(), b"<x/>").replace(b"Length=4", b"Length=5"))


@pytest.mark.parametrize(("content_type", "expected"), [("application/soap+xml", False), ("", False)])
def test_what_is_not_sealed_by_its_type(content_type, expected):
    assert is_sealed(content_type) is expected
