"""From corpus to corpus: which figure stands in which cell, and what was heard is not one."""

import json

import numpy as np
from made_runs import EMOTIONS, LABELS, NUM_UTTERANCES, SPEAKERS, make_config, write_run

from data_pipeline.contract import EVALUATION
from data_pipeline.rows import UtteranceRow
from ser_keras.__main__ import main
from ser_keras.report.reading import read_runs
from ser_keras.report.sections import make_report
from ser_keras.report.transfer import transfer_matrices
from ser_keras.runs.folder import FoldDetails, finish_fold, write_summary
from ser_keras.runs.opening import open_run
from ser_keras.runs.outcome import FoldOutcome, ScoredPart
from ser_keras.scores.accuracies import score_predictions


def evaluation(directory, right, heard, trained_on=("first",), corpus="second"):
    """An evaluation as `evaluate` writes it: the answers to some utterances are right."""
    config = make_config(
        corpus=corpus, protocol=EVALUATION, model={"name": "best", "weights_sha256": "0" * 64}
    )
    open_run(directory, config)
    probabilities = np.eye(3, dtype=np.float32)[np.where(right, LABELS, (LABELS + 1) % 3)]
    scores = score_predictions(LABELS, probabilities, EMOTIONS)
    details = FoldDetails(
        held_out="all",
        parameters=1,
        utterances={"test": NUM_UTTERANCES},
        trained_on=trained_on,
        tested_on=[corpus],
        left_out={},
        unspoken=[],
        heard={"known": heard is not None},
    )
    rows = [
        UtteranceRow(
            utterance_id=f"u{n}",
            speaker=SPEAKERS[n],
            emotion=EMOTIONS[LABELS[n]],
            sex="female" if n % 8 < 4 else "male",
        )
        for n in range(NUM_UTTERANCES)
    ]
    (directory / "fold_0").mkdir()
    test = ScoredPart(LABELS, probabilities, scores, None)
    finish_fold(directory, 0, config, FoldOutcome(test=test), rows, details, heard)
    write_summary(directory, 1)
    return directory


def half(kind, other):
    return [kind if n % 2 else other for n in range(NUM_UTTERANCES)]


def text_of(*runs):
    return "\n".join(make_report(read_runs(runs)).lines)


def test_a_cell_is_of_what_the_model_never_heard(tmp_path):
    right = np.arange(NUM_UTTERANCES) % 2 == 0  # what it heard
    run = evaluation(tmp_path / "e", right, half("no", "recording"))
    [(title, matrix)] = transfer_matrices(read_runs([run])).items()
    assert title == "Dual level"
    assert matrix["first", "second"].accuracy == 0.0
    text = text_of(run)
    assert "| first | 0.0 (evaluate, 60) |" in text
    assert "never heard | 60 |" in text and "**heard**: these recordings | 60 |" in text


def test_what_was_heard_or_is_not_known_fills_no_cell(tmp_path):
    right = np.ones(NUM_UTTERANCES, bool)
    heard = evaluation(tmp_path / "heard", right, ["voice"] * NUM_UTTERANCES)
    assert "| first | heard |" in text_of(heard)
    unknown = evaluation(tmp_path / "unknown", right, None)
    text = text_of(unknown)
    assert "| first | heard |" in text and "not known | 120 |" in text


def test_nothing_that_was_heard_is_ever_ranked(tmp_path):
    perfect = evaluation(tmp_path / "e", np.ones(NUM_UTTERANCES, bool), half("no", "voice"))
    honest = write_run(tmp_path / "honest", 0.6, corpus="second")
    init = {"model": "best", "weights_sha256": "0" * 64, "heads": "kept", "statistics": "kept"}
    tuned = write_run(tmp_path / "tuned", 0.95, corpus="second", init=init, variant="ds_lstm")
    text = text_of(perfect, honest, tuned)
    assert "Highest pooled UA (of the runs with all folds): **Dual level" in text
    assert "which has heard recordings or voices of the test parts, or does not know" in text
    assert "### System against system" not in text
    for path in tuned.glob("fold_*/result.json"):  # as training writes it where it knows
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"heard_by_init": {"recordings": 0, "voices": 0}}))
    text = text_of(perfect, honest, tuned)
    assert "Highest pooled UA: **DS-LSTM" in text
    assert "Dual level – DS-LSTM" in text or "does the paper's order" in text.lower()


def test_runs_of_two_corpora_make_two_chapters_and_a_picture(tmp_path):
    own = write_run(tmp_path / "own", 0.9, protocol="speaker", corpus="first")
    other = evaluation(tmp_path / "e", np.ones(NUM_UTTERANCES, bool), ["no"] * NUM_UTTERANCES)
    out = tmp_path / "out"
    assert main(["report", str(own), str(other), "--out", str(out)]) == 0
    text = (out / "report.md").read_text()
    assert "## Corpus first" in text and "## Corpus second" in text
    assert "## From corpus to corpus" in text
    assert (out / "pictures" / "transfer.svg").is_file()
    (line,) = [line for line in text.splitlines() if line.startswith("| first |")][:1]
    assert "(speaker, 120)" in line and "100.0 (evaluate, 120)" in line
    # Women and men of the corpus that tells them, with the gap.
    assert "| best | sex female | 60 | 4 |" in text
    assert "largest gap by sex: female above male by +0.0" in text


def test_runs_on_one_corpus_have_no_matrix(tmp_path):
    assert "From corpus to corpus" not in text_of(write_run(tmp_path / "a", protocol="speaker"))


def test_a_report_of_nothing_but_a_run_that_heard_its_test_part_is_made(tmp_path):
    init = {"model": "best", "weights_sha256": "0" * 64, "heads": "kept", "statistics": "kept"}
    text = text_of(write_run(tmp_path / "tuned", 0.95, init=init))
    assert "none is ranked" in text and "### System against system" not in text


def test_what_a_model_has_heard_is_scored_in_its_row_alone(tmp_path):
    run = evaluation(tmp_path / "e", np.ones(NUM_UTTERANCES, bool), ["voice"] * NUM_UTTERANCES)
    text = text_of(run)
    assert "**heard**: these voices | 120 |" in text
    assert "### Speakers" not in text and "### Groups" not in text


def test_a_cell_counts_no_utterance_twice(tmp_path):
    own = [
        write_run(tmp_path / f"seed{seed}", 0.7, protocol="speaker", corpus="first", seed=seed)
        for seed in (0, 1)
    ]
    answers = np.ones(NUM_UTTERANCES, bool), np.zeros(NUM_UTTERANCES, bool)
    other = [
        evaluation(tmp_path / f"e{n}", right, ["no"] * NUM_UTTERANCES)
        for n, right in enumerate(answers)
    ]
    ((_, matrix),) = transfer_matrices(read_runs([*own, *other])).items()
    of_cells = [[i for p in cell.predictions for i in p.utterance_ids] for cell in matrix.values()]
    assert [len(ids) for ids in of_cells] == [len(set(ids)) for ids in of_cells] == [120, 120]
