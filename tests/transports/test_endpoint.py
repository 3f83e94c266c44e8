"""Where a host's WinRM listens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import UsageError
from hvctl.transports.endpoint import AUTHS, Endpoint, parse

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("hv01", ["https://hv01:5986/wsman", "http://hv01:5985/wsman"]),
        ("hv01.example.com.", ["https://hv01.example.com.:5986/wsman", "http://hv01.example.com.:5985/wsman"]),
        ("fe80::1", ["https://[fe80::1]:5986/wsman", "http://[fe80::1]:5985/wsman"]),
        ("[::1]", ["https://[::1]:5986/wsman", "http://[::1]:5985/wsman"]),
        ("http://hv01", ["http://hv01:5985/wsman"]),
        ("HTTPS://hv01/", ["https://hv01:5986/wsman"]),
        ("https://[::1]:443/other", ["https://[::1]:443/other"]),
        ("https://10.0.0.7:15986", ["https://10.0.0.7:15986/wsman"]),
        ("bücher", ["https://bücher:5986/wsman", "http://bücher:5985/wsman"]),
    ],
)
def test_where_a_host_may_listen(text, choices):
    endpoint = parse("name", text)
    assert endpoint.name == "name"
    assert [replace(endpoint, scheme=scheme, port=port).url for scheme, port in endpoint.choices] == choices


@pytest.mark.parametrize(
    ("auth", "schemes"),
    [
        (None, ["https", "http"]),
        ("ntlm", ["https", "http"]),
        ("kerberos", ["https", "http"]),
        ("credssp", ["https", "http"]),
        ("basic", ["https"]),
        ("certificate", ["https"]),
    ],
)
def test_a_method_that_cannot_encrypt_is_for_tls_alone(auth, schemes):
    assert [scheme for scheme, _ in replace(parse("h", "h"), auth=auth).choices] == schemes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "-x",
        "x-",
        "hv01/path",
        "hv_01\n",
        "https://",
        "https://hv01:99999",
        "https://hv01:0",
        "https://hv01?x",
        "https://hv01#x",
        "https://hv 01",
        "ssh://hv01",
        "https://[::1",
        "https://hv01/a b",
    ],
)
def test_what_is_no_host(text):
    with pytest.raises(UsageError):
        parse(text, text)


def test_a_port_belongs_in_a_url():
    for text, url in (("hv01:5985", "http://hv01:5985"), ("hv01:5986", "https://hv01:5986")):
        with pytest.raises(UsageError) as caught:
            parse(text, text)
        assert str(caught.value.hint).endswith(url)


def test_a_password_in_a_url_is_not_repeated():
    with pytest.raises(UsageError, match="no user and no password") as caught:
        parse("x", "https://me:secret@hv01")
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@given(st.text())
def test_any_text_is_a_host_or_a_usage_error(text):
    with suppress(UsageError):
        assert parse(text, text).choices


def test_the_password_stays_out_of_sight():
    endpoint = replace(parse("h", "h"), password=lambda: "secret")
    assert "password" not in repr(endpoint)
    assert endpoint == parse("h", "h")


GOOD = Endpoint("h", "h", "https", 5986, user="admin", auth="basic")


@pytest.mark.parametrize("text", ["fe80::1%eth0", "[fe80::1%3]", "https://[fe80::1%25eth0]:5986"])
def test_a_zone_has_no_place_in_a_url(text):
    with pytest.raises(UsageError, match="names a network of this machine"):
        parse("h", text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scheme": "http"}, "plain HTTP is refused"),
        ({"scheme": "http", "auth": "certificate"}, "plain HTTP is refused"),
        ({"cert_file": "x"}, "both --cert-file and --key-file"),
        ({"key_file": "x"}, "both --cert-file and --key-file"),
        ({"auth": "certificate"}, "needs --cert-file"),
        ({"user": None}, "needs a user"),
        ({"user": None, "auth": "ntlm"}, "needs a user"),
        ({"user": None, "auth": "credssp"}, "needs a user"),
        ({"ca_file": "missing"}, "no file"),
        ({"auth": "digest"}, "no way to log in"),
    ],
)
def test_parts_that_do_not_fit_together(changes, words, tmp_path):
    paths = {key: tmp_path / value if key.endswith("_file") else value for key, value in changes.items()}
    with pytest.raises(UsageError, match=words):
        replace(GOOD, **paths).check()


def test_parts_that_fit_together(tmp_path):
    for name in ("cert", "key", "ca"):
        (tmp_path / name).touch()
    files = {"cert_file": tmp_path / "cert", "key_file": tmp_path / "key", "ca_file": tmp_path / "ca"}
    GOOD.check()
    replace(GOOD, auth="certificate", user=None, **files).check()
    replace(GOOD, auth="kerberos", user=None).check()
    for auth in set(AUTHS) - {"basic", "certificate"}:
        replace(GOOD, scheme="http", auth=auth).check()
