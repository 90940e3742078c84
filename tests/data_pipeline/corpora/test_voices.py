"""What readers know of the voices: sex, age, language; and that no record depends on it."""

import dataclasses
import os
from collections import Counter

import pytest

from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.records.describing import describe
from data_pipeline.records.preparing import prepare

REAL = {
    # Language, utterances by sex, whether ages are known; of the four emotions.
    "emodb": ("German", {"female": 188, "male": 151}, True),
    "ravdess": ("English", {"female": 336, "male": 336}, False),
    "nemo": ("Polish", {"female": 1080, "male": 1078}, True),
}


@pytest.mark.parametrize("corpus", REAL)
def test_readers_of_real_corpora_know_them(corpus):
    root = os.environ.get(f"SER_{corpus.upper()}_ROOT")
    if not root:
        pytest.skip(f"SER_{corpus.upper()}_ROOT is not set")
    language, sexes, ages = REAL[corpus]
    utterances = read_corpus(corpus, root).utterances
    assert {u.language for u in utterances} == {language}
    assert Counter(u.sex for u in utterances) == sexes
    assert all(u.age.isdecimal() for u in utterances) == ages
    # Each voice has one sex and one age.
    assert len({(u.speaker, u.sex, u.age) for u in utterances}) == len(
        {u.speaker for u in utterances}
    )


def test_the_demo_corpus_has_women_and_men():
    sexes = Counter(u.sex for u in read_corpus("demo", None).utterances)
    assert sorted(sexes) == ["female", "male"]


def test_a_manifest_may_say_it_and_leave_cells_empty(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(
        "path,emotion,speaker,sex,age,language\n"
        "a.wav,sad,anna,woman,24,\n"
        "b.wav,angry,ben,,,Finnish\n"
    )
    first, second = read_corpus("manifest", table).utterances
    assert (first.sex, first.age, first.language) == ("woman", "24", "")
    assert (second.sex, second.age, second.language) == ("", "", "Finnish")


def test_what_is_learnt_of_voices_is_kept_without_computing_anything_anew(make_corpus, tmp_path):
    corpus, out = make_corpus(12), tmp_path / "out"
    options = {"mfcc": "tensorflow", "show_progress": False}
    before = prepare(corpus, out, **options)
    written = {path.name: path.stat().st_mtime_ns for path in before.shard_paths}
    known = tuple(
        dataclasses.replace(u, sex="female" if u.speaker in ("s0", "s1") else "male", age="30")
        for u in corpus.utterances
    )
    after = prepare(dataclasses.replace(corpus, utterances=known), out, **options)
    assert {path.name: path.stat().st_mtime_ns for path in after.shard_paths} == written
    assert after.key == before.key
    assert Counter(row.sex for row in after.utterances) == {"female": 8, "male": 4}
    text = describe(after)
    assert "sex female" in text and "age 30" in text
