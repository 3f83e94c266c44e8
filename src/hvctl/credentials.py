"""Passwords: where they come from, and the platform's key store.

A password is never on the command line, in a file of ours, in the log, or in the words of an error.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hvctl import config
from hvctl.errors import AccessError, CancelledError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

KEYRING_SECONDS = 3.0
"""How long the platform's key store may take: one that is locked can wait for somebody who is not there."""

_NAMED = 5
"""How many hosts a question names."""

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
    found = _given(host, typed) or _looked_up(host, user)
    if found:
        return found
    if can_ask():
        return ask(user, host)
    raise _missing(host, user)


class Passwords:
    """The passwords of one command's hosts: each is looked up once, and nobody is asked while work goes on.

    Args:
        typed: What `--password-stdin` has read.
        before_asking: Called before somebody is asked on the terminal.
    """

    def __init__(self, typed: str | None = None, before_asking: Callable[[], None] = lambda: None) -> None:
        self._typed = typed
        self._before_asking = before_asking
        self._known: dict[tuple[str, str], str | AccessError] = {}

    def of(self, host: str, user: str) -> str:
        """The password of a user on a host, found before or looked for now.

        Raises:
            AccessError: There is none, or the key store does not answer.
            CancelledError: The prompt was left without an answer.
        """
        if (host, user) not in self._known:
            self._before_asking()
            self._known[host, user] = password(host, user, typed=self._typed)
        known = self._known[host, user]
        if isinstance(known, AccessError):
            raise known
        return known

    def gather(self, logins: Sequence[tuple[str, str]]) -> None:
        """Find the passwords of hosts and their users before work on them begins side by side.

        Somebody at a terminal is asked once for each user, whose password is the same on all hosts that lack one; what
        is wrong with one host's is raised when that is needed.

        Raises:
            AccessError: The answer is empty, or the terminal would show it.
            CancelledError: There is no answer.
        """
        silent: AccessError | None = None
        lacking: dict[str, list[str]] = {}
        for host, user in logins:
            if (host, user) in self._known:
                continue
            found: str | AccessError | None = _given(host, self._typed)
            if found is None:
                # A key store that waits for somebody makes its three seconds wait once, not once a host.
                found = _silent(host) if silent and _is_kept(host) else _tried(host, user)
            if isinstance(found, _NoAnswerError):
                silent = found
            if found is None:
                lacking.setdefault(user, []).append(host)
            else:
                self._known[host, user] = found
        for user, hosts in lacking.items():
            self._ask(user, hosts)

    def _ask(self, user: str, hosts: Sequence[str]) -> None:
        if not can_ask():
            self._known |= {(host, user): _missing(host, user) for host in hosts}
            return
        self._before_asking()
        answer = ask(user, *hosts)
        self._known |= {(host, user): answer for host in hosts}


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


def ask(user: str, *hosts: str) -> str:
    """Ask for the password that a user has on a host, or on several, on the terminal; it shows nothing of the answer.

    Raises:
        AccessError: The answer is empty, or the terminal would show it.
        CancelledError: There is no answer.
    """
    import getpass

    host = hosts[0]
    others = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    question = f"Password of {user} on {', '.join(hosts[:_NAMED])}{others}: "
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


class _NoAnswerError(AccessError):
    """The key store does not answer."""


def _given(host: str, typed: str | None) -> str | None:
    return typed or os.environ.get(variable(host)) or os.environ.get("HVCTL_PASSWORD") or None


def _is_kept(host: str) -> bool:
    entry = config.host(host)
    return entry is not None and entry.keyring


def _looked_up(host: str, user: str) -> str | None:
    return (_kept(host, user) or None) if _is_kept(host) else None


def _tried(host: str, user: str) -> str | AccessError | None:
    try:
        return _looked_up(host, user)
    except AccessError as error:
        return error


def _missing(host: str, user: str) -> AccessError:
    return AccessError(f"There is no password for {user} on {host}.", hint=_other_ways(host), host=host)


def _silent(host: str) -> AccessError:
    words = f"The platform's key store gave no answer in {KEYRING_SECONDS:g} s."
    return _NoAnswerError(words, hint=f"Unlock it. {_other_ways(host, key_store=False)}", host=host)


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
        raise _silent(host)
    raise AccessError(message, hint=f"{hint}{_other_ways(host, key_store=False)}", host=host)


def _other_ways(host: str, *, key_store: bool = True) -> str:
    login = f"by `hvctl config login {host}` once, " if key_store else ""
    return (
        f"Give the password by the environment variable {variable(host)} or HVCTL_PASSWORD, by --password-stdin, "
        f"{login}or at the prompt of a terminal."
    )
