"""The SVM rows: scikit-learn's figures on the folds of train.py, fitted without the test part."""

import csv
import json

import numpy as np
import pytest
import soundfile
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.waveform import audio_sha256
from data_pipeline.contract import FUNCTIONALS
from data_pipeline.records.prepared import load_prepared
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold
from data_pipeline.splits.folds import assign_folds
from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import read_predictions
from ser_keras.settings import SVM_COSTS, SvmSettings
from ser_keras.training.svm import (
    fit_svm,
    normalised_by_corpus,
    num_parameters,
    run_fold,
    score_svm,
)

EMOTIONS = ("angry", "happy", "sad")
SETTINGS = SvmSettings(cost=0.1)
CONFIG = RunConfig(
    data_key="key",
    corpus="made up",
    emotions=EMOTIONS,
    label_map={},
    subset="all",
    features={"functionals": "eGeMAPSv02"},
    group_by="speaker",
    protocol="random",
    selection="",
    variant="svm_eGeMAPSv02",
    preset="classical",
    settings=SETTINGS,
    seed=0,
)


@pytest.fixture
def material():
    """Functionals (90, 12) in which the emotion shows, and their rows."""
    draw = np.random.default_rng(0)
    labels = draw.choice(3, 90, p=[0.5, 0.3, 0.2])
    functionals = draw.normal(size=(90, 12)) * np.arange(1, 13) + 3 * np.eye(3, 12)[labels]
    rows = [
        UtteranceRow(utterance_id=f"u{n}", speaker=f"s{n % 6}", emotion=EMOTIONS[label])
        for n, label in enumerate(labels)
    ]
    return functionals.astype(np.float32), labels, rows


def test_scores_are_those_of_scikit_learn_step_by_step(material):
    vectors, labels, _ = material
    train, test = np.arange(60), np.arange(60, 90)
    outcome = score_svm(
        fit_svm(vectors[train], labels[train], SETTINGS), vectors[test], labels[test], EMOTIONS
    )
    mean, deviation = vectors[train].mean(axis=0), vectors[train].std(axis=0)
    scaled = (vectors - mean) / deviation
    weight = len(train) / (3 * np.bincount(labels[train]))
    svm = SVC(kernel="linear", C=0.1, class_weight=dict(enumerate(weight)), break_ties=True)
    predicted = svm.fit(scaled[train], labels[train]).predict(scaled[test])
    np.testing.assert_array_equal(outcome.probabilities.argmax(axis=-1), predicted)
    scored = outcome.scores
    assert scored.weighted_accuracy == pytest.approx(accuracy_score(labels[test], predicted))
    expected = balanced_accuracy_score(labels[test], predicted)
    assert scored.unweighted_accuracy == pytest.approx(expected)
    assert 0.4 < expected < 1.0
    np.testing.assert_allclose(outcome.probabilities.sum(axis=-1), 1, rtol=1e-6)
    # Nothing is chosen, so nothing more can be claimed.
    assert outcome.optimistic["unweighted_accuracy"] == scored.unweighted_accuracy


def test_the_test_part_changes_nothing_that_is_fitted(material, tmp_path):
    vectors, labels, rows = material
    fold = assign_folds(rows, "random", "speaker", seed=0)[0]
    tested = np.isin([row.utterance_id for row in rows], fold.test)
    pipeline = fit_svm(vectors[~tested], labels[~tested], SETTINGS)
    scaler = StandardScaler().fit(vectors[~tested])
    np.testing.assert_array_equal(pipeline[0].mean_, scaler.mean_)
    poisoned = vectors.copy()
    poisoned[np.flatnonzero(tested)[1:]] *= 1000  # all test utterances but the first
    for name, values in (("plain", vectors), ("poisoned", poisoned)):
        run_fold(fold, rows, values, CONFIG, tmp_path / name)
    plain, changed = (
        read_predictions(tmp_path / name / "fold_0" / "predictions.csv")
        for name in ("plain", "poisoned")
    )
    np.testing.assert_array_equal(plain.probabilities[0], changed.probabilities[0])
    assert set(plain.utterance_ids) == set(fold.test)


def test_two_emotions_and_an_emotion_never_trained(material, tmp_path):
    vectors, labels, _ = material
    two = labels < 2
    pipeline = fit_svm(vectors[two], labels[two], SETTINGS)
    assert num_parameters(pipeline) == 12 + 1
    outcome = score_svm(pipeline, vectors, labels, EMOTIONS)
    expected = pipeline.predict(vectors)
    np.testing.assert_array_equal(outcome.probabilities.argmax(axis=-1), expected)
    assert (outcome.probabilities[:, 2] == 0).all()
    assert num_parameters(fit_svm(vectors, labels, SETTINGS)) == 3 * (12 + 1)


def test_one_emotion_to_train_on_is_refused(material):
    vectors, labels, _ = material
    with pytest.raises(SerError, match="expected two or more emotions outside the test part"):
        fit_svm(vectors[labels == 0], labels[labels == 0], SETTINGS)


@pytest.fixture
def prepared_folder(tmp_path):
    """A prepared folder (without records, which are not read) and the manifest it came from."""
    draw = np.random.default_rng(1)
    recordings, rows = [], []
    for number in range(20):
        path = tmp_path / f"take{number:02d}.wav"
        level = 0.05 + 0.4 * (number % 2)
        soundfile.write(path, level * draw.uniform(-1, 1, 8000), 16000)
        emotion, speaker = ("loud", "soft")[1 - number % 2], f"s{number // 4}"
        recordings.append([path, emotion, speaker, path.stem])
        rows.append(
            UtteranceRow(
                utterance_id=path.stem,
                emotion=emotion,
                speaker=speaker,
                audio_sha256=audio_sha256(load_waveform(path)),
            )
        )
    with (tmp_path / "recordings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "emotion", "speaker", "utterance_id"], *recordings])
    metadata = {
        "format_version": 2,
        "corpus": "manifest",
        "emotions": ["loud", "soft"],
    }
    metadata |= {"label_map": {}, "group_by": "speaker", "subset": "all", "key": "made up"}
    metadata |= {"features": {"mfcc": "opensmile", "sample_rate": 16000, "n_fft": [256, 512]}}
    metadata |= {"counts": {"kept": 20, "rejected": 0, "left_out": {}}}
    folder = tmp_path / "prepared"
    folder.mkdir()
    metadata |= {"shards": {}, "utterances": [row.to_json() for row in rows]}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder, tmp_path / "recordings.csv"


def test_the_command_writes_a_run_on_the_folds_of_train(prepared_folder, tmp_path, capsys):
    folder, manifest = prepared_folder
    run_dir = tmp_path / "run"
    arguments = ["classical", "--data", str(folder), "--run-dir", str(run_dir)]
    arguments += ["--features", "eGeMAPSv02"]
    assert main(arguments) == 1
    assert "give --root" in capsys.readouterr().err
    assert main([*arguments, "--root", str(manifest)]) == 0
    printed = capsys.readouterr().out
    assert "leakage audit" in printed and "over 5 folds" in printed

    for fold in assign_folds(load_prepared(folder).utterances, "speaker", "speaker", seed=0):
        predictions = read_predictions(run_dir / f"fold_{fold.number}" / "predictions.csv")
        assert set(predictions.utterance_ids) == set(fold.test)
        result = json.loads((run_dir / f"fold_{fold.number}" / "result.json").read_text())
        assert (result["protocol"], result["variant"]) == ("speaker", "svm_eGeMAPSv02")
        assert result["utterances"] == {"train": 16, "validation": 0, "test": 4}
        assert result["weighted_accuracy"] == 1.0  # nothing is easier than loud and soft
    # Other settings never mix with these.
    assert main([*arguments, "--seed", "5"]) == 1
    assert "other settings" in capsys.readouterr().err


def test_the_command_touches_nothing_of_others(prepared_folder, tmp_path, capsys):
    folder, manifest = prepared_folder
    command = ["classical", "--data", str(folder), "--root", str(manifest), "--run-dir"]
    file, mine = tmp_path / "file", tmp_path / "mine"
    file.write_text("mine")
    (mine / "fold_0").mkdir(parents=True)
    (mine / "fold_0" / "predictions.csv").write_text("mine")
    for run_dir, message in ((file, "is a file"), (mine, "not empty and not a run folder")):
        assert main([*command, str(run_dir)]) == 1
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert file.read_text() == (mine / "fold_0" / "predictions.csv").read_text() == "mine"
    assert not list(folder.glob("functionals-*"))  # before the work


def test_a_fold_that_cannot_be_trained_is_named(material, tmp_path):
    vectors, labels, rows = material
    fold = Fold(
        number=3,
        train=tuple(r.utterance_id for r, label in zip(rows, labels, strict=True) if label == 0),
        validation=(),
        test=tuple(r.utterance_id for r, label in zip(rows, labels, strict=True) if label != 0),
        held_out="speaker anna",
    )
    with pytest.raises(SerError, match=r"^fold 3 \(speaker anna\): received utterances of one"):
        run_fold(fold, rows, vectors, CONFIG, tmp_path)


def test_every_set_of_functionals_has_a_cost():
    assert SVM_COSTS.keys() == FUNCTIONALS.keys()


def test_each_corpus_is_standardised_by_itself():
    rows = [
        UtteranceRow(utterance_id=str(n), emotion="sad", speaker="s", session="", corpus=name)
        for n, name in enumerate(["b", "a", "b", "a", "b"])
    ]
    functionals = np.array([[1.0, 5.0], [10.0, 5.0], [2.0, 6.0], [30.0, 7.0], [3.0, 7.0]])
    normalised = normalised_by_corpus(functionals, rows)
    step = 1.5**0.5  # 1, 2, 3 have the deviation (2/3)**0.5
    wanted = [[-step, -step], [-1, -1], [0, 0], [1, 1], [step, step]]
    np.testing.assert_allclose(normalised, wanted, atol=1e-12)
