"""The default host: read, and written."""

from __future__ import annotations

import pytest

from hvctl.config import default_host, set_default_host
from hvctl.errors import HvctlError, UsageError

pytestmark = pytest.mark.unit


def test_no_file_no_default(config):
    assert default_host() is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "[hosts.hv01]\n"])
def test_a_file_without_a_default(config, text):
    config.write_text(text)
    assert default_host() is None


@pytest.mark.parametrize(
    "content",
    [b'default = "lab"\n', b'\xef\xbb\xbfdefault = "lab"\n', b'default = "lab"\r\n[hosts]\r\n'],
    ids=["plain", "byte-order mark", "CRLF"],
)
def test_the_default(config, content):
    config.write_bytes(content)
    assert default_host() == "lab"


@pytest.mark.parametrize("value", ["1", '""', "true", '["lab"]'])
def test_a_default_that_is_no_name(config, value):
    config.write_text(f"default = {value}\n")
    with pytest.raises(UsageError, match="must be a host's name") as caught:
        default_host()
    assert str(config) in caught.value.message


def test_bad_toml_names_line_and_column(config):
    config.write_text('# mine\ndefault = "lab"\nhosts = [1,, 2]\n')
    with pytest.raises(UsageError, match="line 3, column 12") as caught:
        default_host()
    assert str(config) in caught.value.message
    assert caught.value.hint


def test_bytes_that_are_no_text(config):
    config.write_bytes(b'default = "\xff"\n')
    with pytest.raises(UsageError, match="not valid TOML"):
        default_host()


def test_a_file_that_cannot_be_read(config):
    config.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        default_host()


def test_setting_the_default_makes_the_file(config):
    set_default_host("lab")
    assert default_host() == "lab"
    assert config.read_text() == 'default = "lab"\n'


WRITTEN = """\
# my hosts

default = "hv01"  # the old one

[hosts.hv01]   # in the cellar
address = "10.0.0.1"

[groups]
all = [ "hv01", ]
"""


def test_a_person_s_comments_survive(config):
    config.write_text(WRITTEN)
    set_default_host("lab")
    assert config.read_text() == WRITTEN.replace('"hv01"  #', '"lab"  #')
    set_default_host(None)
    assert default_host() is None
    assert config.read_text() == WRITTEN.replace('default = "hv01"  # the old one\n', "")


def test_the_default_is_put_before_the_tables(config):
    config.write_text('[hosts.hv01]\naddress = "10.0.0.1"\n')
    set_default_host("lab")
    assert default_host() == "lab"
    assert "[hosts.hv01]" in config.read_text()


def test_line_ends_stay_as_they_are(config):
    config.write_bytes(b'# mine\r\ndefault = "x"\r\n')
    set_default_host("lab")
    assert config.read_bytes() == b'# mine\r\ndefault = "lab"\r\n'


def test_taking_back_a_default_that_is_not_there(config):
    set_default_host(None)
    assert default_host() is None


def test_a_broken_file_is_not_written(config):
    config.write_text("default = \n")
    with pytest.raises(UsageError):
        set_default_host("lab")
    assert config.read_text() == "default = \n"
    assert [path.name for path in config.parent.iterdir()] == ["config.toml"]


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HVCTL_HOME", str(blocked / "home"))
    with pytest.raises(HvctlError, match="cannot be"):
        set_default_host("lab")
