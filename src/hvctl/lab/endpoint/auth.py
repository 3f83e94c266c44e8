"""Who a client is: Basic, or NTLM as such or within SPNEGO; the accounts are the endpoint's own."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from hvctl.errors import UsageError
from hvctl.lab.endpoint.sealing import UnsealError

if TYPE_CHECKING:
    from spnego import ContextProxy

_STORE = "NTLM_USER_FILE"
_store_lock = Lock()


class RefusedError(Exception):
    """A login was refused."""


class Accounts:
    """The accounts that may log in, with a file of them in a private folder for the NTLM acceptor to read.

    Args:
        passwords: The password of each account. Windows compares names without regard to case, and so does this.
        folder: Where the file goes; only this user can read it.
        domains: What may stand before a name and a backslash; a dot and nothing always may.

    Raises:
        UsageError: A name or a password has a colon or a line break, which Basic or the file has no way to write.
    """

    def __init__(self, passwords: Mapping[str, str], folder: Path, domains: Sequence[str] = ()) -> None:
        for text in (*passwords, *passwords.values()):
            if ":" in text or len(text.splitlines()) != 1 or not text.isprintable():
                raise UsageError("A user or password of the lab is empty, or has a colon or a line break in it.")
        self._by_name = {name.lower(): (name, password) for name, password in passwords.items()}
        self._domains = {"", ".", *(domain.lower() for domain in domains)}
        self._file = folder / "accounts"
        lines = [f"{domain}:{name}:{secret}\n" for domain in self._domains for name, secret in passwords.items()]
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write("".join(lines).encode("utf-8"))

    def by_password(self, credentials: str) -> str:
        """The account that the base64 text of a Basic login names.

        Raises:
            RefusedError: There is no such account, or the password is another.
        """
        try:
            given = base64.b64decode(credentials, validate=True)
        except ValueError as error:
            raise RefusedError from error
        for encoding in ("utf-8", "latin-1"):  # RFC 7617 leaves it open, and clients differ
            user, _, password = given.decode(encoding, errors="replace").partition(":")
            name, right = self._by_name.get(self._bare(user), ("", ""))
            if name and hmac.compare_digest(password.encode("utf-8"), right.encode("utf-8")):
                return name
        raise RefusedError

    def named(self, principal: str) -> str:
        """The account of a principal that a handshake has proved."""
        return self._by_name[self._bare(principal)][0]

    def step(self, context: ContextProxy, token: bytes) -> bytes | None:
        """Take a context one leg further; returns the token for the client, if there is one.

        Raises:
            RefusedError: The token is malformed, or proves no known password.
        """
        # The acceptor knows its accounts by an environment variable only, which nobody else shall see.
        with _store_lock:
            os.environ[_STORE] = str(self._file)
            try:
                return context.step(token)
            except Exception as error:  # whatever a hostile token makes of the parsers
                raise RefusedError from error
            finally:
                del os.environ[_STORE]

    def acceptor(self, token: bytes) -> ContextProxy:
        """A fresh context for a handshake that begins with this token."""
        import spnego

        is_bare = token.startswith(b"NTLMSSP\0")
        options = spnego.NegotiateOptions.use_ntlm if is_bare else spnego.NegotiateOptions.use_negotiate
        with _store_lock:
            os.environ[_STORE] = str(self._file)
            try:
                return spnego.server(protocol="ntlm" if is_bare else "negotiate", options=options)
            finally:
                del os.environ[_STORE]

    def _bare(self, user: str) -> str:
        """A name without its domain, in small letters; nothing where the domain is not ours."""
        domain, slash, name = user.lower().rpartition("\\")
        return name if not slash or domain in self._domains else ""


class Login:
    """The login of one connection; NTLM proves it once, Basic with every request."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._context: ContextProxy | None = None
        self.user: str | None = None

    @property
    def can_seal(self) -> bool:
        """Whether there is a key to seal with: a handshake has ended well."""
        return self.user is not None

    def forget(self) -> None:
        """Be as before any handshake."""
        self._context = self.user = None

    def step(self, token_text: str) -> tuple[bytes | None, bool]:
        """Take the handshake one leg further; returns the token for the client, and whether it is at its end.

        Raises:
            RefusedError: It ended in a refusal; the next one starts over.
        """
        try:
            token = base64.b64decode(token_text, validate=True)
        except ValueError:
            token = b""
        if not token:
            self.forget()
            raise RefusedError
        if self._context is None or self.user is not None:
            self.forget()
            self._context = self._accounts.acceptor(token)
        try:
            answer = self._accounts.step(self._context, token)
        except RefusedError:
            self.forget()
            raise
        if self._context.complete:
            self.user = self._accounts.named(self._context.client_principal or "")
            return answer, True
        return answer, False

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """The signature, and the sealed message."""
        assert self._context is not None
        sealed = self._context.wrap_winrm(message)
        return sealed.header, sealed.data

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """The message, whose signature is checked.

        Raises:
            UnsealError: It was sealed with another key, or changed on its way.
        """
        assert self._context is not None
        try:
            return self._context.unwrap_winrm(signature, sealed)
        except Exception as error:  # whatever a hostile body makes of the cipher
            raise UnsealError from error
