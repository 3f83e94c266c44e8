"""Every block marked `console` in the documentation does what it shows."""

from __future__ import annotations

import sys

import pytest
from tests.support import console
from tests.support.console import ROOT, Command, Ran

pytestmark = [
    pytest.mark.docs,
    pytest.mark.skipif(sys.platform == "win32", reason="the documented commands are for bash"),
]

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")]
WITH_COMMANDS = sorted(page for page in PAGES if console.commands(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_shows_what_happens(page, tmp_path):
    commands = console.commands(page.read_text(encoding="utf-8"))
    results = console.run(commands, tmp_path)
    problems = [console.problem(command, ran) for command, ran in zip(commands, results, strict=True)]
    assert not any(problems), "\n\n".join(problem for problem in problems if problem)


def test_main_pages_have_commands():
    names = {page.relative_to(ROOT).as_posix() for page in WITH_COMMANDS}
    assert {"README.md", "docs/tutorial.md", "docs/scripts.md", "docs/safety.md", "docs/lab.md"} <= names


class TestRules:
    """What the checker itself takes for the same, and for different."""

    @pytest.mark.parametrize(
        ("shown", "output"),
        [
            (["a", "b"], "a\nb\n"),
            (["a …"], "a 1\n"),
            (["a", "...", "z"], "a\nz\n"),
            (["a", "...", "z"], "a\nb\nc\nz\n"),
            ([], ""),
        ],
    )
    def test_same(self, shown, output):
        assert console.problem(Command(1, "x", shown), Ran(output, 0)) is None

    @pytest.mark.parametrize(
        ("shown", "output"),
        [(["a"], "a\nb\n"), (["a …"], "a\n1\n"), (["a.c"], "abc\n"), ([], "a\n"), (["a"], "a")],
    )
    def test_different(self, shown, output):
        assert console.problem(Command(1, "x", shown), Ran(output, 0)) is not None

    def test_failure_is_told(self):
        assert "ended in 3" in str(console.problem(Command(1, "x", compares=False), Ran("", 3)))

    def test_code_is_shown_by_the_next_command(self, tmp_path):
        page = "```console\n$ (exit 6)\n$ echo $?\n6\n```\n"
        commands = console.commands(page)
        ran = console.run(commands, tmp_path)
        assert ran == [Ran("", 6), Ran("6\n", 0)]
        assert [console.problem(*pair) for pair in zip(commands, ran, strict=True)] == [None, None]

    def test_commands_share_one_shell(self, tmp_path):
        commands = console.commands(
            "```console\n$ x=1\n```\n\n- item\n\n  ```console\n  $ echo \\\n  > $x\n  1\n  ```\n"
        )
        assert [ran.output for ran in console.run(commands, tmp_path)] == ["", "1\n"]

    def test_other_blocks_are_left_alone(self):
        assert console.commands("```text\n$ rm -rf /\n```\n") == []
