"""Names as words of a command line that people paste."""

from __future__ import annotations

import pytest

from hvctl.powershell.literals import word

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["hv01", "hv-01.example.com", "https://10.0.0.1:5986/wsman", "lab/hv02"])
def test_plain_names_stand_as_they_are(text):
    assert word(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "''"),
        ("O'Brien", "'O''Brien'"),
        ("-x", "'-x'"),
        ("a b", "'a b'"),
        ("a;b", "'a;b'"),
        ("$(a)", "'$(a)'"),
        ("https://[::1]:5986", "'https://[::1]:5986'"),
        ("höst", "'höst'"),
    ],
)
def test_whatever_a_shell_could_read_is_quoted(text, shown):
    assert word(text) == shown
