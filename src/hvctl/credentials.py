"""Passwords: where they come from, and the platform's key store.

A password is never on the command line, in a file of ours, in the log, or in the words of an error.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hvctl import config
from hvctl.errors import AccessError, CancelledError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

KEYRING_SECONDS = 3.0
"""How long the platform's key store may take: one that is locked can wait for somebody who is not there."""

_asking = threading.Lock()


def password(host: str, user: str, *, typed: str | None = None) -> str:
    """The password of a user on a host.

    It is, in this order, what was read from standard input, `HVCTL_PASSWORD_<HOST>`, `HVCTL_PASSWORD`, what
    `hvctl config login` put into the platform's key store, or the answer to a prompt on a terminal.

    Args:
        host: The host, as it is named on the command line.
        user: Who logs in.
        typed: What `--password-stdin` has read.

    Raises:
        AccessError: There is none, or the key store does not answer.
        CancelledError: The prompt was left without an answer.
        UsageError: The configuration cannot be read.
    """
    given = typed or os.environ.get(variable(host)) or os.environ.get("HVCTL_PASSWORD")
    if given:
        return given
    entry = config.host(host)
    kept = _kept(host, user) if entry is not None and entry.keyring else None
    if kept:
        return kept
    if can_ask():
        return ask(host, user)
    raise AccessError(f"There is no password for {user} on {host}.", hint=_other_ways(host), host=host)


def variable(host: str) -> str:
    """The environment variable of a host's password."""
    return f"HVCTL_PASSWORD_{re.sub('[^A-Z0-9]', '_', host.upper())}"


def read_stdin() -> str:
    """The password that stands on standard input, in its first line.

    Raises:
        UsageError: There is none, or standard input is a terminal, which would show it.
    """
    if sys.stdin.isatty():
        raise UsageError(
            "--password-stdin reads a pipe or a file, not a terminal.",
            hint="Leave it out to be asked for the password.",
        )
    line = sys.stdin.readline().removeprefix("\ufeff").rstrip("\r\n")
    if not line:
        raise UsageError("--password-stdin has read no password: standard input is empty.")
    return line


def can_ask() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(host: str, user: str) -> str:
    """Ask on the terminal, which shows nothing of the answer.

    Raises:
        AccessError: The answer is empty, or the terminal would show it.
        CancelledError: There is no answer.
    """
    import getpass

    question = f"Password of {user} on {host}: "
    try:
        with _asking, warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            answer = getpass.getpass("".join(c if c.isprintable() else "?" for c in question))
    except EOFError:
        raise CancelledError("Interrupted.") from None
    except getpass.GetPassWarning:
        raise AccessError("This terminal would show the password.", hint=_other_ways(host), host=host) from None
    if not answer:
        raise AccessError(f"No password was given for {user} on {host}.", hint=_other_ways(host), host=host)
    return answer


def store(host: str, user: str, secret: str) -> None:
    """Put a password into the platform's key store.

    Raises:
        AccessError: The key store is not installed, does not answer, or refuses.
    """
    _in_key_store(host, lambda keyring: keyring.set_password(_service(host), user, secret))


def forget(host: str, user: str) -> bool:
    """Take a password out of the platform's key store; False if it had none.

    Raises:
        AccessError: The key store is not installed, does not answer, or refuses.
    """

    def delete(keyring: ModuleType) -> bool:
        if keyring.get_password(_service(host), user) is None:
            return False
        keyring.delete_password(_service(host), user)
        return True

    return bool(_in_key_store(host, delete))


def _kept(host: str, user: str) -> str | None:
    found = _in_key_store(host, lambda keyring: keyring.get_password(_service(host), user))
    return found if isinstance(found, str) else None


def _service(host: str) -> str:
    return f"hvctl/{host.casefold()}"


def _in_key_store(host: str, work: Callable[[Any], object]) -> object:
    """What the key store answers, in its time: it may wait for a person or a service that is not there."""
    result: list[object] = []
    failure: list[str] = []

    def run() -> None:
        try:
            import keyring

            result.append(work(keyring))
        except ModuleNotFoundError as error:
            failure.append("missing" if error.name == "keyring" else type(error).__name__)
        except Exception as error:
            # What a key store says could hold what it was given: its kind of error is enough.
            failure.append(type(error).__name__)

    thread = threading.Thread(target=run, name="key store", daemon=True)
    thread.start()
    thread.join(KEYRING_SECONDS)
    if result:
        return result[0]
    said = failure[0] if failure else None
    if said == "missing":
        message, hint = "The platform's key store cannot be used: it needs `pip install hvctl[keyring]`.", ""
    elif said == "NoKeyringError":
        message, hint = "This platform has no key store.", ""
    elif said:
        message, hint = f"The platform's key store failed ({said}).", "Unlock it. "
    else:
        message, hint = f"The platform's key store gave no answer in {KEYRING_SECONDS:g} s.", "Unlock it. "
    raise AccessError(message, hint=f"{hint}{_other_ways(host, key_store=False)}", host=host)


def _other_ways(host: str, *, key_store: bool = True) -> str:
    login = f"by `hvctl config login {host}` once, " if key_store else ""
    return (
        f"Give the password by the environment variable {variable(host)} or HVCTL_PASSWORD, by --password-stdin, "
        f"{login}or at the prompt of a terminal."
    )
