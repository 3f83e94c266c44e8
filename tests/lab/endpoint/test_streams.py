"""What a command prints, kept until it is fetched."""

from __future__ import annotations

import threading

import pytest

from hvctl.lab.endpoint.streams import LIMIT, Output, Piece

pytestmark = pytest.mark.unit
SIZE = 1000


def test_nothing_comes_when_there_is_nothing():
    assert Output().take(0, SIZE) is None


def test_both_streams_come_and_then_the_exit_code():
    output = Output()
    output.write("stdout", b"out")
    output.write("stderr", b"err")
    assert output.take(0, SIZE) == Piece(b"out", b"err", None)
    output.finish(3)
    output.finish(4)
    assert output.take(0, SIZE) == Piece(b"", b"", 3)


def test_the_exit_code_comes_with_the_last_bytes():
    output = Output()
    output.write("stdout", b"abcdef")
    output.finish(0)
    assert output.take(0, 4) == Piece(b"abcd", b"", None)
    assert output.take(0, 4) == Piece(b"ef", b"", 0)


def test_who_waits_gets_what_is_written_meanwhile():
    output = Output()
    timer = threading.Timer(0.05, output.write, ("stdout", b"x"))
    timer.start()
    assert output.take(30, SIZE) == Piece(b"x", b"", None)
    timer.join()


def test_who_waits_is_released_when_nobody_is_to_wait():
    output = Output()
    timer = threading.Timer(0.05, output.close)
    timer.start()
    assert output.take(30, SIZE) is None
    assert output.closed
    timer.join()


def test_a_command_that_prints_too_much_waits():
    output = Output()
    output.write("stdout", b"x" * LIMIT)
    writer = threading.Thread(target=output.write, args=("stdout", b"y"))
    writer.start()
    assert output.take(0, LIMIT) == Piece(b"x" * LIMIT, b"", None)
    writer.join()
    assert output.take(0, SIZE) == Piece(b"y", b"", None)


def test_a_command_that_waits_is_released_when_nobody_will_fetch():
    output = Output()
    output.write("stdout", b"x" * LIMIT)
    writer = threading.Thread(target=output.write, args=("stdout", b"y"))
    writer.start()
    output.close()
    writer.join()
    output.write("stdout", b"z" * LIMIT)


def test_lines_are_inserted_between_lines_only():
    output = Output()
    output.insert("stdout", b"[1]\n")
    output.write("stdout", b"half")
    output.insert("stdout", b"[2]\n")
    output.insert("stderr", b"[3]\n")
    output.write("stdout", b" a line\nand")
    output.write("stdout", b" another\n")
    assert output.take(0, SIZE) == Piece(b"[1]\nhalf a line\nand another\n[2]\n", b"[3]\n", None)


def test_what_was_inserted_into_half_a_line_comes_at_the_end():
    output = Output()
    output.write("stdout", b"half")
    output.insert("stdout", b"[1]\n")
    output.finish(0)
    assert output.take(0, SIZE) == Piece(b"half[1]\n", b"", 0)


def test_split_pieces_end_within_characters_and_lines():
    output = Output()
    text = "ab\nGröße\n".encode()
    output.write("stdout", text)
    output.finish(0)
    pieces = []
    while True:
        piece = output.take(0, SIZE, split=True)
        pieces.append(piece.stdout)
        if piece.exit_code is not None:
            break
    assert b"".join(pieces) == text
    torn = [piece for piece in pieces if piece.endswith("ö".encode()[:1])]
    assert len(torn) == 2
    assert len(pieces) > 3
