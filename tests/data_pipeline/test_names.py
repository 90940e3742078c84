"""Names that people take for the same, and names that cannot be seen."""

import pytest

from data_pipeline.names import alike_groups, alike_key, told_apart, unwritable_character, visible


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("03", "3"),
        ("s01", "S1"),
        ("s01e007", "s1e7"),
        ("０３", "3"),  # full width
        ("٠٣", "3"),  # Arabic
        ("anna", "ann\u200ba"),
        ("anna", "\ufeffanna"),
        ("anna", "an\u00adna"),
        ("anna", "anna\ufe0f"),
        ("anna", "anna\u3164"),  # a filler of Hangul
        ("anna k", "anna\u00a0k"),
        ("anna k", "anna \u2003 k"),
        ("anna k", "anna\tk"),
        ("anna-k", "anna\u2011k"),
        ("Zo\u00eb", "zoe\u0308"),
        ("Straße", "STRASSE"),
        ("ﬁn", "fin"),
        ("\u0130\u0131", "i\u0307\u0131"),
    ],
)
def test_names_that_people_take_for_the_same_are_alike(one, other):
    assert alike_key(one) == alike_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("3", "30"), ("10", "1"), ("100", "1"), ("s1", "s11"), ("anna k", "annak"), ("anna", "anne")],
)
def test_other_names_are_not(one, other):
    assert alike_key(one) != alike_key(other)


def test_a_name_of_nothing_that_can_be_seen_has_an_empty_key():
    assert alike_key(" \u200b\u00a0\u2800") == ""


def test_groups_hold_different_names_only():
    assert alike_groups(["b", "03", "b", "3", "a", "003"]) == [["003", "03", "3"]]


def test_every_name_is_one_line():
    assert visible("a\nb\u200bc\u00a0d\u202e \udcfc ü Ж") == r"a\nb\u200bc\xa0d\u202e \udcfc ü Ж"
    assert len(visible("".join(map(chr, range(0x3000)))).splitlines()) == 1


def test_names_that_look_the_same_are_told_apart():
    assert told_apart(["Zo\u00eb", "Zoe\u0308", "anna"]) == [r"Zo\xeb", r"Zoe\u0308", "anna"]
    assert told_apart(["anna", "ann\u200ba"]) == ["anna", r"ann\u200ba"]


@pytest.mark.parametrize("char", ["\n", "\r", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "\udcfc"])
def test_what_cannot_be_in_a_line_is_found(char):
    assert unwritable_character(f"sad{char}x") == visible(char)
    assert unwritable_character("sad ü \u200d 😀") == ""
