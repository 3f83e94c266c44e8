from __future__ import annotations

import pytest

from hvctl.output.trees import Branch, draw

pytestmark = pytest.mark.unit


def test_a_tree_is_drawn_line_by_line():
    tree = Branch("root", [Branch("a", [Branch("b", [Branch("c")]), Branch("d")]), Branch("e")])
    assert list(draw(tree)) == [
        "root",
        "├── a",
        "│   ├── b",
        "│   │   └── c",
        "│   └── d",
        "└── e",
    ]


def test_a_root_alone():
    assert list(draw(Branch("root"))) == ["root"]
