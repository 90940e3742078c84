"""Functionals of a prepared corpus: openSMILE's own, kept, and only of the recordings prepared."""

import numpy as np
import pytest

from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.waveform import audio_sha256
from data_pipeline.errors import DataError
from data_pipeline.features.opensmile_library import import_opensmile
from data_pipeline.records.functional_store import load_functionals
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow

opensmile = import_opensmile()


@pytest.fixture
def corpus_of_four(make_corpus, tmp_path):
    """(prepared folder without records, manifest, paths of four recordings)."""
    utterances = make_corpus(4).utterances
    lines = [f"{u.path},{u.emotion},{u.speaker},{u.utterance_id}" for u in utterances]
    manifest = tmp_path / "recordings.csv"
    manifest.write_text("\n".join(["path,emotion,speaker,utterance_id", *lines]))
    # Not the order of the manifest: rows are matched by their id.
    rows = [
        UtteranceRow(
            utterance_id=u.utterance_id,
            speaker=u.speaker,
            emotion=u.emotion,
            audio_sha256=audio_sha256(load_waveform(u.path)),
        ).to_json()
        for u in reversed(utterances)
    ]
    folder = tmp_path / "prepared"
    folder.mkdir()
    metadata = {"corpus": "manifest", "key": "k1", "reader_options": {}, "utterances": rows}
    prepared = Prepared(folder, metadata)
    return prepared, manifest, [u.path for u in reversed(utterances)]


def test_functionals_are_opensmiles_own_and_are_kept(corpus_of_four):
    prepared, manifest, paths = corpus_of_four
    found = load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest})
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    expected = np.concatenate([smile.process_file(str(path)).to_numpy() for path in paths])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32 and found.shape == (4, 88)

    manifest.unlink()  # neither root nor audio is needed again
    np.testing.assert_array_equal(load_functionals(prepared, "eGeMAPSv02", {}), found)
    other = Prepared(prepared.directory, prepared.metadata | {"key": "k2"})
    with pytest.raises(DataError, match="give --root"):
        load_functionals(other, "eGeMAPSv02", {})


def test_a_damaged_file_is_made_anew(corpus_of_four):
    prepared, manifest, _ = corpus_of_four
    found = load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest})
    path = prepared.directory / "functionals-eGeMAPSv02.npz"
    path.write_bytes(path.read_bytes()[:500])
    np.testing.assert_array_equal(
        load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest}), found
    )
    assert [p.name for p in prepared.directory.iterdir()] == [path.name]


def test_another_recording_or_a_missing_one_is_refused(corpus_of_four):
    prepared, manifest, paths = corpus_of_four
    paths[1].write_bytes(paths[0].read_bytes())
    with pytest.raises(DataError, match=r"utt002.wav: is not the recording that was prepared"):
        load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest})
    manifest.write_text("\n".join(manifest.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match=r"1 utterance\(s\) .* first 'utt003'") as caught:
        load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest})
    assert "\n" not in str(caught.value)
    assert not list(prepared.directory.iterdir())


def test_the_corpus_is_read_again_with_the_options_of_then(corpus_of_four):
    prepared, manifest, _ = corpus_of_four
    options = {"reader_options": {"subset": "improvised"}}
    with pytest.raises(DataError, match="corpus manifest has no --subset"):
        load_functionals(
            Prepared(prepared.directory, prepared.metadata | options),
            "eGeMAPSv02",
            {prepared.directory: manifest},
        )


def test_functionals_that_cannot_be_kept_are_used_all_the_same(corpus_of_four, capsys):
    prepared, manifest, _ = corpus_of_four
    # In the way of the file that is to be kept, as a folder without rights would be.
    path = prepared.directory / "functionals-eGeMAPSv02.npz"
    path.mkdir()
    assert load_functionals(prepared, "eGeMAPSv02", {prepared.directory: manifest}).shape == (4, 88)
    assert (
        f"note: {path}: cannot be written (Is a directory), so the next run computes these "
        "functionals again"
    ) in capsys.readouterr().err
    assert [p.name for p in prepared.directory.iterdir()] == [path.name]


def test_segments_have_functionals_of_their_own(corpus_of_four, tmp_path):
    prepared, _, paths = corpus_of_four
    manifest = tmp_path / "segments.csv"
    lines = [f"{paths[0]},sad,a,0,0.2,one", f"{paths[0]},sad,a,0.1,0.3,two"]
    manifest.write_text("\n".join(["path,emotion,speaker,start,end,utterance_id", *lines]))
    waveform = load_waveform(paths[0])
    parts = {"one": waveform[:3200], "two": waveform[1600:4800]}
    rows = [
        UtteranceRow(
            utterance_id=name, speaker="a", emotion="sad", audio_sha256=audio_sha256(part)
        ).to_json()
        for name, part in parts.items()
    ]
    of_segments = Prepared(prepared.directory, prepared.metadata | {"utterances": rows})
    found = load_functionals(of_segments, "eGeMAPSv02", {prepared.directory: manifest})
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    expected = [smile.process_signal(part, 16000).to_numpy()[0] for part in parts.values()]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
