"""Several prepared folders as one: names that stay apart, records in order, and what is refused."""

import dataclasses

import numpy as np
import pytest

from data_pipeline.batches.datasets import make_dataset, make_training_dataset
from data_pipeline.errors import DataError
from data_pipeline.records.describing import describe
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.preparing import prepare
from data_pipeline.records.together import load_together
from data_pipeline.splits.folds import assign_folds
from data_pipeline.splits.leakage import audit


def prepare_quietly(corpus, out, **options):
    return prepare(corpus, out, **{"mfcc": "tensorflow", "show_progress": False} | options)


@pytest.fixture
def both(make_corpus, tmp_path):
    """Two folders, of 20 utterances and of the last 12 of other recordings with the same ids."""
    corpus = make_corpus(20)
    prepare_quietly(corpus, tmp_path / "first", name="zeta")
    for utterance in corpus.utterances:  # louder: other samples
        samples = np.frombuffer(utterance.path.read_bytes()[44:], "<i2") // 2
        utterance.path.write_bytes(utterance.path.read_bytes()[:44] + samples.tobytes())
    fewer = dataclasses.replace(corpus, utterances=corpus.utterances[8:])
    prepare_quietly(fewer, tmp_path / "second", name="alpha")
    return tmp_path / "first", tmp_path / "second"


def test_names_are_unique_and_the_order_is_that_of_the_names(both):
    first, second = both
    together = load_together([first, second])
    assert together.corpus == "alpha+zeta"
    rows = together.utterances
    assert len(rows) == 32 and len({row.utterance_id for row in rows}) == 32
    assert rows[0].utterance_id.startswith("alpha/utt")
    assert rows[-1].utterance_id.startswith("zeta/utt")
    assert {row.corpus for row in rows} == {"alpha", "zeta"}
    assert {row.speaker for row in rows} == {
        f"{c}/s{n}" for c in ("alpha", "zeta") for n in range(4)
    }
    other_way = load_together([second, first])
    assert other_way.utterances == rows and other_way.key == together.key
    assert together.counts.kept == 32 and together.counts.left_out == {"alpha/X": 2, "zeta/X": 2}
    assert "corpus alpha" in describe(together)


def test_one_folder_is_as_it_is(both):
    assert load_together([both[0]]).utterances == load_prepared(both[0]).utterances
    assert load_together([both[0]]).identity == load_prepared(both[0]).identity


def test_records_are_those_of_the_rows(both):
    together = load_together(both)
    alone = {path: load_prepared(path) for path in both}
    options = {"num_frames": (9, 5)}
    wanted = [row.utterance_id for row in together.utterances][::3]
    [(inputs, labels)] = make_dataset(together, wanted, 32, **options)
    for index, name in enumerate(wanted):
        corpus, utterance_id = name.split("/")
        folder = next(p for p in alone.values() if p.corpus == corpus)
        [(own, own_label)] = make_dataset(folder, [utterance_id], 1, **options)
        np.testing.assert_array_equal(inputs["mel_wide"][index], own["mel_wide"][0])
        assert labels[index] == own_label[0]
    batches = make_training_dataset(
        together, wanted, 4, num_frames=(9, 5), seed=0, epochs=range(1), balanced=True
    )
    assert sum(len(label) for _, label in batches) == len(wanted) // 4 * 4


def test_folds_of_both_keep_voices_and_corpora_apart(both):
    together = load_together(both)
    rows, emotions = together.utterances, together.emotions
    folds = assign_folds(rows, "corpus", together.group_by, 0, emotions=emotions)
    assert [fold.held_out for fold in folds] == ["corpus alpha", "corpus zeta"]
    assert {i.split("/")[0] for i in folds[0].test} == {"alpha"} and len(folds[0].test) == 12
    heard = {i.split("/")[0] for i in (*folds[0].train, *folds[0].validation)}
    assert heard == {"zeta"} and folds[0].validation
    audit(rows, folds, "corpus")
    speaker = assign_folds(rows, "speaker", together.group_by, 0, emotions=emotions)
    assert len(speaker) == 5
    assert sorted(i for fold in speaker for i in fold.test) == sorted(r.utterance_id for r in rows)
    audit(rows, speaker, "speaker")


def test_a_recording_that_is_in_both_corpora_is_refused(make_corpus, tmp_path):
    corpus = make_corpus(20)
    for name in ("one", "two"):
        prepare_quietly(corpus, tmp_path / name, name=name)
    together = load_together([tmp_path / "one", tmp_path / "two"])
    folds = assign_folds(together.utterances, "corpus", together.group_by, 0)
    with pytest.raises(DataError, match="the same recordings are in test and train.*protocol corp"):
        audit(together.utterances, folds, "corpus")


def test_protocol_corpus_of_one_corpus_says_what_to_do(both):
    rows = load_prepared(both[0]).utterances
    with pytest.raises(DataError, match="there is one corpus .*several prepared folders to --data"):
        assign_folds(rows, "corpus", "speaker", 0)


def test_folders_that_do_not_go_together_are_refused_with_the_remedy(make_corpus, both, tmp_path):
    corpus = make_corpus(12)
    prepare_quietly(corpus, tmp_path / "other", n_fft=(128, 256), name="other")
    with pytest.raises(DataError, match=r"FFT points 128 256 in .*256 512 in .* with --n-fft"):
        load_together([both[0], tmp_path / "other"])
    sad = dataclasses.replace(
        corpus,
        emotions=("angry", "sad", "silly"),
        utterances=tuple(
            dataclasses.replace(u, emotion="silly") if n < 4 else u
            for n, u in enumerate(corpus.utterances)
        ),
    )
    prepare_quietly(sad, tmp_path / "silly", name="silly")
    with pytest.raises(
        DataError, match="emotions angry sad silly in .*angry sad in .* --emotions angry sad$"
    ):
        load_together([both[0], tmp_path / "silly"])


def test_a_new_name_computes_nothing_and_two_equal_ones_are_refused(make_corpus, tmp_path):
    corpus, out = make_corpus(12), tmp_path / "out"
    first = prepare_quietly(corpus, out, name="mine")
    prepare_quietly(corpus, tmp_path / "again", name="mine")
    with pytest.raises(DataError, match="two corpora called mine.*--name"):
        load_together([out, tmp_path / "again"])
    written = {p.name: p.stat().st_mtime_ns for p in out.glob("records-*")}
    renamed = prepare_quietly(corpus, out, name="yours")
    assert {p.name: p.stat().st_mtime_ns for p in out.glob("records-*")} == written
    assert (first.corpus, renamed.corpus, first.key) == ("mine", "yours", renamed.key)
