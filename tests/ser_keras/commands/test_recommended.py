"""Preset `recommended`, whole: trained, adapted, exported, asked with a profile, made final."""

import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
import tensorflow as tf
from made_speech import prepare_speech

from data_pipeline.__main__ import main as prepare_main
from data_pipeline.batches.datasets import make_dataset, make_training_dataset
from data_pipeline.contract import INPUT_NAMES, POSITION
from data_pipeline.records.prepared import load_prepared
from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.graph.requests import wav_files
from ser_keras.models.linear_part import head_of
from ser_keras.predict import ServedModel, make_profile, predict_files
from ser_keras.runs.files import read_json
from ser_keras.training.model_files import load_model
from ser_keras.training.profiles import (
    MOST_RECORDINGS,
    measure_recordings,
    with_drawn_profiles,
)
from ser_keras.voices.adapting import adapt
from ser_keras.voices.profile_file import read_profile, write_profile
from ser_keras.voices.statistics import profile_of

TINY = ["network.units=4", "network.filters=2,2", "optimiser.epochs=1", "optimiser.batch_size=8"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Made-up speech, prepared at two speeds; a run of every fold, and its export."""
    folder = tmp_path_factory.mktemp("recommended")
    prepared = prepare_speech(folder)
    copies = folder / "copies"
    command = ["--corpus", "manifest", "--root", folder / "speech.csv", "--out", copies]
    assert prepare_main(["prepare", *map(str, command), "--workers", "1", "--speed", "0.9"]) == 0
    command = ["--data", prepared, "--copies", copies, "--run-dir", folder / "run"]
    command += ["--preset", "recommended", "--set", *TINY, "--export", folder / "served"]
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["train", *map(str, command)]) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder


def recordings(folder, speaker):
    return sorted(folder.glob(f"{speaker}_*.wav"))


def test_a_result_has_the_protocol_adapted_beside_its_own(house, capsys):
    result = read_json(house / "run" / "fold_0" / "result.json")
    assert result["settings"]["speeds"] == [0.9]
    assert result["protocol"] == "speaker"
    assert list(result["adapted"]) == ["1", "5", "20", "all"]
    tested = result["utterances"]["test"]
    for number, part in result["adapted"].items():
        matrices = part["confusion_matrix_by_speaker"]
        assert np.sum(part["confusion_matrix"]) == tested
        assert np.sum(list(matrices.values())) == tested
        assert ("probabilities" in part) == (number == "20")
    summary = read_json(house / "run" / "summary.json")
    for kind in ("without_profile", "with_profile"):
        assert summary["strangers"][kind]["cross_fitted"]["utterances"] == 36
    pooled = summary["adapted"]["5"]["weighted_accuracy"]["pooled"]
    right = sum(
        np.trace(
            read_json(house / "run" / f"fold_{n}" / "result.json")["adapted"]["5"][
                "confusion_matrix"
            ]
        )
        for n in range(3)
    )
    assert pooled == pytest.approx(right / 36)


def test_what_is_printed_says_that_the_validation_part_is_trained_on(house):
    printed = (house / "printed.txt").read_text()
    assert "fitted on train and validation: weights" in printed
    assert "24 utterances to train (12 of the validation part), 12 to test" in printed
    assert printed.count("validation (trained on) loss") == 3  # an epoch of each fold


def test_the_export_carries_what_strangers_ask_for(house):
    info = ServedModel(house / "served").info
    strangers = read_json(house / "run" / "summary.json")["strangers"]
    assert info.temperature == strangers["without_profile"]["temperature"]
    assert info.adapted_unsure_below == strangers["with_profile"]["unsure_below"]


def test_the_svm_gets_the_same_treatment_and_a_report_shows_both(house, tmp_path, capsys):
    """From the run and from its packed form, which tells the same."""
    command = ["classical", "--data", house / "prepared", "--root", house / "speech.csv"]
    command += ["--features", "eGeMAPSv02", "--run-dir", tmp_path / "svm"]
    assert main([str(part) for part in command]) == 0
    result = read_json(tmp_path / "svm" / "fold_0" / "result.json")
    assert list(result["adapted"]) == ["1", "5", "20", "all"]
    assert "probabilities" not in result["adapted"]["20"]
    assert main(["pack", str(house / "run"), "--out", str(tmp_path / "packed")]) == 0
    pages = []
    for run in (house / "run", tmp_path / "packed" / "run"):
        out = tmp_path / f"report {len(pages)}"
        assert main(["report", str(run), str(tmp_path / "svm"), "--out", str(out)]) == 0
        pages.append((out / "report.md").read_text())
        assert list(out.rglob("*adapted*"))
    assert pages[0] == pages[1]
    assert "### Adapted to each voice" in pages[0] and "### Unsure of strangers" in pages[0]
    rows = [line for line in pages[0].splitlines() if "| all |" in line]
    assert len(rows) == 2  # of the network and of the SVM
    summary = read_json(house / "run" / "summary.json")["adapted"]["all"]
    assert f"{100 * summary['weighted_accuracy']['pooled']:.1f}" in rows[0]


def test_a_profile_changes_the_answers_of_its_model_alone(house, tmp_path, capsys):
    files, out = recordings(house, "anna"), tmp_path / "anna.json"
    command = ["adapt", "--model", house / "served", *files[:8], "--out", out]
    assert main([str(part) for part in command]) == 0
    assert "profile from 8 recordings" in capsys.readouterr().out
    profile = read_profile(out)
    asked = files[8:]
    plain = list(predict_files(ServedModel(house / "served"), asked))
    told = list(predict_files(ServedModel(house / "served", profile), asked))
    differences = [
        abs(a.probabilities["sad"] - b.probabilities["sad"])
        for a, b in zip(plain, told, strict=True)
    ]
    assert max(differences) > 1e-3
    content = json.loads(out.read_text()) | {"model_sha256": "0"}
    out.write_text(json.dumps(content))
    command = ["predict", "--model", house / "served", "--profile", out, asked[0]]
    assert main([str(part) for part in command]) == 1
    error = capsys.readouterr().err
    assert "was made for another model" in error and error.count("\n") == 1


def test_the_signatures_with_a_profile_answer_as_those_without_for_nobodys(house):
    model = ServedModel(house / "served")
    signatures = model._root.signatures
    import soundfile

    waves = [soundfile.read(f, dtype="float32")[0] for f in recordings(house, "ben")[:3]]
    request = wav_files(waves)
    size = model.functionals(waves[:1])[0].shape[1]
    nobody = tf.zeros((3, 2, size))
    plain, told = (
        signatures["serving_default"](**request),
        signatures["adapted"](**request, profile=nobody),
    )
    np.testing.assert_allclose(plain["logits"], told["logits"], atol=1e-5)
    other = signatures["adapted"](**request, profile=nobody + 0.5)
    assert np.abs(other["logits"].numpy() - plain["logits"].numpy()).max() > 0.01


def test_a_profile_is_that_of_the_functionals_that_the_model_trains_on(house):
    """From files through the served graph, against the records through the Keras model."""
    prepared = load_prepared(house / "prepared")
    served = ServedModel(house / "served")
    model, info = load_model(house / "run" / f"fold_{served.info.fold}" / "model")
    rows = [row for row in prepared.utterances if row.speaker == "cem"]
    batches = make_dataset(
        prepared,
        [row.utterance_id for row in rows],
        8,
        num_frames=info.num_frames,
        inputs=(*INPUT_NAMES, POSITION),
    )
    speakers = [row.speaker for row in prepared.utterances]
    measured = measure_recordings(model, batches, speakers)
    assert set(measured.voices) == {"cem"}
    profile, unusable = make_profile(served, recordings(house, "cem"))
    assert not unusable
    head = head_of(model)
    expected = adapt(head, head.standard(measured.functionals))
    assert np.abs(profile.profile - expected.profile).mean() < 0.01
    assert profile.mixed == pytest.approx(expected.mixed, abs=0.05)
    assert np.abs(expected.profile).mean() > 0.1  # and it says something


def test_training_tells_each_voice_by_its_other_recordings(house):
    prepared = load_prepared(house / "prepared")
    model, info = load_model(house / "run" / "fold_0" / "model")
    ids = [row.utterance_id for row in prepared.utterances]
    speakers = [row.speaker for row in prepared.utterances]
    inputs = (*INPUT_NAMES, POSITION)
    whole = make_dataset(prepared, ids, 36, num_frames=info.num_frames, inputs=inputs)
    measured = measure_recordings(model, whole, speakers)
    head = head_of(model)
    batches = make_training_dataset(
        prepared, ids, 12, num_frames=info.num_frames, inputs=inputs, seed=0, epochs=range(4)
    )
    positions = np.concatenate([batch[POSITION].numpy() for batch, _ in batches])
    told = with_drawn_profiles(batches, model, head, measured, seed=0, first_batch=0)
    profiles = np.concatenate([batch["profile"].numpy() for batch, _ in told])
    again = with_drawn_profiles(batches, model, head, measured, seed=0, first_batch=0)
    np.testing.assert_array_equal(
        profiles, np.concatenate([batch["profile"].numpy() for batch, _ in again])
    )
    standard = head.standard(measured.functionals)
    row_of = {int(position): row for row, position in enumerate(measured.positions)}
    used = profiles.any(axis=(1, 2))
    assert 0.05 < 1 - used.mean() < 0.6  # some are heard without
    columns = np.flatnonzero(profiles.any(axis=(0, 1)))
    assert columns.max() + 1 == 2 * (39 + 64 + 128)
    found = 0
    for position, profile in zip(positions, profiles, strict=True):
        if not profile.any():
            continue
        others = [
            standard[row_of[n], columns]
            for n in range(len(speakers))
            if speakers[n] == speakers[position] and n != position
        ]
        # Told by all eleven others, it is their profile, whatever the order.
        if np.allclose(profile[:, columns], profile_of(np.array(others)), atol=1e-4):
            found += 1
        mean, most = profile[0, columns], np.abs(np.array(others)).max(axis=0)
        assert (np.abs(mean) <= most + 1e-4).all()
    assert found > 0 and MOST_RECORDINGS > 11


def test_an_utterance_that_the_linear_head_was_not_fitted_on_is_heard_without_profile(house):
    """In large corpora it is fitted on a part, which may lack the last records of the folder."""
    prepared = load_prepared(house / "prepared")
    model, info = load_model(house / "run" / "fold_0" / "model")
    ids = [row.utterance_id for row in prepared.utterances]
    common = {"num_frames": info.num_frames, "inputs": (*INPUT_NAMES, POSITION)}
    part = make_dataset(prepared, ids[:30], 30, **common)
    measured = measure_recordings(model, part, [row.speaker for row in prepared.utterances])
    batches = make_dataset(prepared, ids, 12, **common)
    positions = np.concatenate([batch[POSITION].numpy() for batch, _ in batches])
    told = with_drawn_profiles(batches, model, head_of(model), measured, seed=0, first_batch=0)
    known = np.concatenate([batch["profile"].numpy().any(axis=(1, 2)) for batch, _ in told])
    assert positions.max() > measured.positions.max()
    assert not known[~np.isin(positions, measured.positions)].any()
    assert known[np.isin(positions, measured.positions)].any()


def test_where_each_voice_speaks_in_one_emotion_training_says_that_profiles_change_nothing(
    house, tmp_path, capsys
):
    rows = (house / "speech.csv").read_text().splitlines()
    tied = [rows[0]]
    for path, emotion, speaker in (row.split(",") for row in rows[1:]):
        tied.append(f"{house / path},{emotion},{speaker} when {emotion}")
    (tmp_path / "tied.csv").write_text("\n".join(tied))
    command = ["--corpus", "manifest", "--root", tmp_path / "tied.csv", "--out", tmp_path / "tied"]
    assert prepare_main(["prepare", *map(str, command), "--workers", "1"]) == 0
    command = ["--data", tmp_path / "tied", "--run-dir", tmp_path / "run", "--preset"]
    command += ["recommended", "--protocol", "random", "--fold", "0", "--set", *TINY]
    assert main(["train", *map(str, command)]) == 0
    assert "profiles of voices will change nothing" in capsys.readouterr().out
    assert "profiles of voices" not in (house / "printed.txt").read_text()
    result = read_json(tmp_path / "run" / "fold_0" / "result.json")
    for told in result["adapted"].values():
        assert told["confusion_matrix"] == result["confusion_matrix"]


def test_a_final_model_has_heard_everybody_and_says_whose_figures_it_shows(house, tmp_path, capsys):
    command = ["final", house / "run", "--data", house / "prepared", "--out", tmp_path / "final"]
    assert main([str(part) for part in command]) == 1
    assert "was trained with copies at the speeds [0.9]" in capsys.readouterr().err
    command += ["--copies", house / "copies"]
    assert main([str(part) for part in command]) == 0
    model = ServedModel(tmp_path / "final")
    assert model.info.protocol == "final"
    assert model.info.recipe["folds_finished"] == 3
    card = (tmp_path / "final" / "1" / "assets" / "model_card.md").read_text()
    assert "nobody is left to test it" in card and "profile from 20 |" in card
    heard = read_json(tmp_path / "final" / "1" / "assets" / "heard.json")
    assert heard
    (answer,) = predict_files(model, recordings(house, "anna")[:1])
    assert answer.emotion in ("angry", "sad")


def test_models_that_take_no_profiles_say_so(served, tmp_path):
    from ser_keras.voices.profile_file import VoiceProfile

    profile = VoiceProfile(
        model="m",
        model_sha256="0",
        recordings=1,
        seconds=1.0,
        mixed=1.0,
        profile=np.zeros((2, 3), np.float32),
    )
    write_profile(profile, tmp_path / "x.json")
    with pytest.raises(SerError, match="takes no profiles of voices"):
        ServedModel(served.directory, profile)
    with pytest.raises(SerError, match="takes no profiles of voices"):
        make_profile(served, [tmp_path / "x.wav"])
