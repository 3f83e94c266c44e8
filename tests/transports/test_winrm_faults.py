"""Every fault of a WinRM endpoint, with a read and with a change: the answer is right, or what is wrong is said.

A change is never made twice, no message goes in clear, and nothing waits without end.
"""

from __future__ import annotations

import pytest
from tests.support.remote import Remote, remote

from hvctl.errors import AccessError, HvctlError, OutcomeUnknownError, QuotaError
from hvctl.lab.endpoint.faults import KINDS
from hvctl.transports.winrm import WinRMTransport

pytestmark = pytest.mark.winrm

AUTHS = ("basic", "ntlm")


@pytest.fixture(params=AUTHS)
def served(request, tmp_path):
    with remote(tmp_path, request.param) as made:
        yield made


@pytest.fixture
def basic(tmp_path):
    with remote(tmp_path, "basic") as made:
        yield made


def strikes():
    """Each kind of fault at each operation that it can strike, the first and the second time."""
    for kind, known in KINDS.items():
        for action in known.actions or (None,):
            if action in ("Signal", "Get"):
                continue  # hvctl does without them
            for after in (0, 1) if action in ("Send", "Receive") else (0,):
                yield pytest.param(kind, action, after, id=f"{kind}-{action}-{after}")


NOTHING_DONE = {
    ("unauthorized", "Create"): AccessError,
}
"""Where a fault may end the command: it says so, and nothing was done."""

ORPHANS = {("drop-reply", "Create"): 1, ("timeout-delivered", "Create"): 1}
"""Shells whose ids never arrived: nobody but the host can close them."""


@pytest.fixture
def impatient(monkeypatch):
    """Time-outs of a test's length, where something is missed only by its absence."""
    monkeypatch.setattr("hvctl.transports.session.HELLO_POLL", 1.0)
    monkeypatch.setattr("hvctl.transports.exchange.PING_EVERY", 1.0)


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize(("kind", "action", "after"), list(strikes()))
def test_a_read_survives_or_says_what_is_wrong(kind, action, after, auth, tmp_path, impatient):
    with remote(tmp_path, auth) as served:
        struck(served, kind, action, after)
        try:
            with served.connect() as host:
                assert host.vms.list() == []
        except NOTHING_DONE.get((kind, action), ()):
            pass
        assert served.stats["plaintext_bodies"] == 0
        assert served.stats["powershell_starts"] <= 2
        assert served.open_shells <= ORPHANS.get((kind, action), 0)


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize(("kind", "action", "after"), list(strikes()))
def test_a_change_is_made_once_or_declared_unknown(kind, action, after, auth, tmp_path, impatient):
    with remote(tmp_path, auth) as served:
        struck(served, kind, action, after)
        made, ended = False, None
        try:
            with served.connect() as host:
                made = host.vms.create("web1", memory="1G").name == "web1"
        except HvctlError as error:
            ended = error
        names = served.names()
        assert names in ([], ["web1"])
        assert made is (ended is None)
        if made:
            assert names == ["web1"]
        elif isinstance(ended, OutcomeUnknownError):
            assert ("is there" in ended.message) is bool(names)
        else:
            assert (type(ended), names) == (NOTHING_DONE.get((kind, action)), [])
        assert served.stats["plaintext_bodies"] == 0


def struck(served: Remote, kind: str, action: str | None, after: int) -> None:
    details = {} if action is None else {"action": action}
    if kind == "slow":
        details["seconds"] = 0.2
    served.fail(kind, after=after, **details)


@pytest.mark.parametrize("kind", ["quota-shells", "quota-users", "quota-requests", "busy"])
def test_a_host_without_room_is_asked_again_while_there_is_time(kind, basic, monkeypatch):
    monkeypatch.setattr("hvctl.transports.winrm.time.sleep", lambda _: None)
    basic.fail(kind, action="Create", times=5)
    with basic.connect() as host:
        assert host.vms.create("web1", memory="1G").name == "web1"
    assert basic.stats["actions"]["Create"] == 6
    assert basic.names() == ["web1"]


@pytest.mark.parametrize("kind", ["quota-shells", "quota-operations", "quota-users", "quota-requests"])
def test_a_host_that_stays_without_room_is_a_quota_s_error(kind, basic):
    basic.fail(kind, action="Create", times=1000)
    transport = WinRMTransport(basic.endpoint, timeout=1.0)
    with pytest.raises(QuotaError, match="hv01") as caught:
        transport.open("0" * 32)
    assert caught.value.hint
    assert basic.stats["powershell_starts"] == 0


def test_a_login_that_is_refused_in_the_middle_twice_ends_the_conversation(basic):
    with basic.connect() as host:
        host.vms.list()
        basic.fail("unauthorized", action="Send", times=20)
        with pytest.raises(HvctlError):
            host.vms.list()
    assert basic.stats["requests"] < 20


def test_many_pieces_and_noise_at_once(served):
    served.fail("split", times=200)
    served.fail("noise", times=3)
    served.fail("clixml", times=3)
    with served.connect() as host:
        assert host.vms.create("Grüße", memory="1G").name == "Grüße"
