"""Text to bytes and seconds, and back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import UsageError
from hvctl.units import format_duration, format_size, parse_duration, parse_size

pytestmark = pytest.mark.unit

KIB, MIB, GIB, TIB, PIB = (1 << power for power in (10, 20, 30, 40, 50))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4G", 4 * GIB),
        ("4g", 4 * GIB),
        ("4GB", 4 * GIB),
        ("4GiB", 4 * GIB),
        (" 4 G ", 4 * GIB),
        ("512M", 512 * MIB),
        ("1K", KIB),
        ("2T", 2 * TIB),
        ("1P", PIB),
        ("1.5G", 3 * GIB // 2),
        ("0.5K", 512),
        ("1.50T", 3 * TIB // 2),
        ("4096B", 4096),
        ("0B", 0),
        ("0G", 0),
        ("007M", 7 * MIB),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["4", "0", " 12 ", "4096"])
def test_a_size_without_a_unit_is_refused_with_what_to_write(text):
    with pytest.raises(UsageError, match="has no unit") as caught:
        parse_size(text)
    assert caught.value.hint == f"Write {text.strip()}M, {text.strip()}G or …B."


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "G",
        "4X",
        "-4G",
        "+4G",
        "4.G",
        ".5G",
        "4,5G",
        "4 5G",
        "1e3G",
        "4GG",
        "4iB",
        "1.5B",
        "\u0664G",
        "4G\n5",
        "0x4G",
        "nan",
    ],
)
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0.1K", "1.0001K", "0.3M"])
def test_a_fraction_of_a_byte_is_refused(text):
    with pytest.raises(UsageError, match="whole number of bytes"):
        parse_size(text)


@pytest.mark.parametrize("text", ["9" * 5000 + "G", "9" * 400 + ".5G", "9" * 5000, "1." + "1" * 5000 + "G"])
def test_endless_numbers_are_refused_as_usage(text):
    with pytest.raises(UsageError):
        parse_size(text)


@given(st.integers(0, 2**50), st.sampled_from("KMGTP"), st.sampled_from(["", "B", "iB"]))
def test_whole_sizes_are_exact(number, unit, suffix):
    assert parse_size(f"{number}{unit}{suffix}") == number << (10 * ("KMGTP".index(unit) + 1))


@given(st.text() | st.from_regex(r"[0-9.]{0,12}[KMGTPBi ]{0,3}", fullmatch=True))
def test_any_text_is_a_size_or_a_usage_error(text):
    with suppress(UsageError):
        assert parse_size(text) >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1d", 86400),
        ("1d2h3m4s", 93784),
        ("1h5", 3605),
        ("0.5", 0.5),
        ("2M", 120),
        (" 10s ", 10),
        ("0", 0),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "x", "-5", "5x", "1m1h", "m", "1.5m", "1 h", "5s5", "\u0665s", "9" * 400, "inf"]
)
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


@given(st.text() | st.from_regex(r"[0-9.]{0,6}[dhms]?[0-9]{0,6}[ms]?", fullmatch=True))
def test_any_text_is_a_duration_or_a_usage_error(text):
    with suppress(UsageError):
        assert 0 <= parse_duration(text) < float("inf")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (1023, "1023 B"),
        (KIB, "1 KiB"),
        (1536, "1.5 KiB"),
        (512 * MIB, "512 MiB"),
        (4 * GIB, "4 GiB"),
        (4 * GIB + 10 * MIB, "4.01 GiB"),
        (TIB, "1 TiB"),
        (PIB, "1 PiB"),
        (10 * GIB, "10 GiB"),
        (100 * MIB, "100 MiB"),
    ],
)
def test_sizes_for_people(size, text):
    assert format_size(size) == text


@given(st.integers(1, 2000), st.sampled_from("KMGTP"))
def test_a_size_for_people_can_be_read_again(number, unit):
    size = parse_size(f"{number}{unit}")
    if number < 1024:
        assert format_size(size) == f"{number} {unit}iB"
        assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "00:00:00"),
        (59.9, "00:00:59"),
        (3661, "01:01:01"),
        (86399, "23:59:59"),
        (86400, "1d 00:00:00"),
        (273906, "3d 04:05:06"),
    ],
)
def test_durations_for_people(seconds, text):
    assert format_duration(seconds) == text
