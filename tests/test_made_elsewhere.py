"""What was made before the modules became packages is read, and answers, as it did then.

`made_before_the_move.zip` was made at commit 17005ed. 36 recordings of two emotions and three
speakers (noise that swells, loud and fast or soft and slow) were prepared as a manifest corpus,
and `train.py --preset demo` trained fold 0 of it, made small: 8 units, 4 and 4 filters, batches of
8, 12 epochs, learning rate 0.01. The zip holds the run folder and the export as they came out,
three of the recordings, a prepared folder of these three, and what the export said of them then:
`answers.json` (`ServedModel.answers`) and `logits.json` (signature `audio_bytes`).

`made_by_tensorflow_2_21.zip` is the same of the same kind of recordings, made at version 0.2.0 with
the newest set of versions (Python 3.13, TensorFlow 2.21, NumPy 2.5, librosa 1.0), where the first
was made with TensorFlow 2.17 and NumPy 1.26. Either set reads both.
"""

import json
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from data_pipeline.audio.reading import load_waveform
from data_pipeline.errors import DataError
from data_pipeline.features.mel import mel_spectrogram, tensorflow_mel_spectrogram
from data_pipeline.features.mfcc import opensmile_mfcc, tensorflow_mfcc
from data_pipeline.records.codec import parse_example
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.verifying import verify
from ser_keras.__main__ import main
from ser_keras.export.saved_model import export_saved_model
from ser_keras.predict.files import predict_files
from ser_keras.predict.served_model import ServedModel
from ser_keras.training.model_files import load_model

ZIPS = ("made_before_the_move", "made_by_tensorflow_2_21")
RUN = Path("runs/manifest-dual_level-demo-speaker-seed0")
# Not to the bit: oneDNN has other kernels on other processors, and sums of float32 in another order
# differ in the last digits. The model's temperature of 0.05 then makes them 20 times as large.
CLOSE = {"rtol": 0, "atol": 1e-6}


@pytest.fixture(scope="module", params=ZIPS)
def made(request, tmp_path_factory):
    """The folder of what was made then."""
    folder = tmp_path_factory.mktemp("made")
    with zipfile.ZipFile(Path(__file__).with_name(f"{request.param}.zip")) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def names(made):
    return list(json.loads((made / "answers.json").read_text()))


@pytest.fixture(scope="module")
def exported_anew(made, tmp_path_factory):
    """The version folder of the old weights, exported by the code of today."""
    model, info = load_model(made / RUN / "fold_0/model")
    return export_saved_model(model, info, tmp_path_factory.mktemp("anew") / "tiny")


def asked(version_dir, files):
    """Logits and probabilities that the signature `audio_bytes` gives for files."""
    loaded = tf.saved_model.load(str(version_dir))
    request = tf.constant([file.read_bytes() for file in files])
    outputs = loaded.signatures["audio_bytes"](audio_bytes=request)
    assert not any(outputs["error"].numpy())
    return {name: outputs[name].numpy() for name in ("logits", "probabilities")}


def test_the_old_export_answers_as_it_did(made, names):
    expected = json.loads((made / "answers.json").read_text())
    recordings = [soundfile.read(made / "speech" / name, dtype="float32")[0] for name in names]
    answers = ServedModel(made / "saved_models/tiny").answers(recordings)
    for name, answer in zip(names, answers, strict=True):
        assert answer._replace(probabilities={}) == (
            expected[name]["emotion"],
            expected[name]["unsure"],
            {},
            expected[name]["error"],
        )
        assert list(answer.probabilities) == list(expected[name]["probabilities"])
        np.testing.assert_allclose(
            list(answer.probabilities.values()),
            list(expected[name]["probabilities"].values()),
            **CLOSE,
        )


def test_files_get_the_old_answers_too(made, names):
    expected = json.loads((made / "answers.json").read_text())
    files = [made / "speech" / name for name in names]
    predictions = predict_files(ServedModel(made / "saved_models/tiny"), files)
    for name, one in zip(names, predictions, strict=True):
        assert (one.emotion, one.unsure) == (expected[name]["emotion"], expected[name]["unsure"])
        assert one.probabilities == pytest.approx(expected[name]["probabilities"], abs=1e-6)


def test_the_old_weights_exported_anew_answer_as_the_old_export(made, names, exported_anew):
    files = [made / "speech" / name for name in names]
    old, new = (asked(path, files) for path in (made / "saved_models/tiny/1", exported_anew))
    stored = json.loads((made / "logits.json").read_text())
    np.testing.assert_allclose(old["logits"], [stored[name] for name in names], **CLOSE)
    for output, value in old.items():
        np.testing.assert_allclose(new[output], value, **CLOSE, err_msg=output)


def test_the_new_export_says_of_itself_what_the_old_one_says(made, exported_anew):
    old = made / "saved_models/tiny/1"
    assert (exported_anew / "assets/labels.txt").read_bytes() == (
        old / "assets/labels.txt"
    ).read_bytes()
    info, new = (json.loads((p / "assets/info.json").read_text()) for p in (old, exported_anew))
    info.pop("run", None)  # of which run it is, the weights do not know
    assert new == info
    profile = asdict(ServedModel(old).info.training_profile)
    assert json.loads(json.dumps(profile)) == info["training_profile"]


def test_every_old_weight_has_its_place(made):
    """A name that a layer lost would load other weights, or none."""
    model, _ = load_model(made / RUN / "fold_0/model")
    again = made / "again.weights.h5"
    model.save_weights(again)
    old = _weights(made / RUN / "fold_0/model/model.weights.h5")
    new = _weights(again)
    assert old.keys() == new.keys() and len(old) == len(model.weights)
    for name, value in old.items():
        np.testing.assert_array_equal(new[name], value, err_msg=name)


def _weights(path):
    """Values by their names in the file, without those of the optimiser, which is not loaded."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/"):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def test_the_report_reads_the_old_run(made, tmp_path):
    assert main(["report", str(made / RUN), "--out", str(tmp_path)]) == 0
    report = (tmp_path / "report.md").read_text()
    assert "| Dual level | speaker | 1 of 3 | 83.3 | 83.3 |" in report


def test_the_old_prepared_folder_is_read_and_whole(made):
    prepared = load_prepared(made / "prepared")
    assert verify(prepared) == 3
    assert list(prepared.emotions) == ["angry", "sad"]


def test_a_damaged_prepared_folder_of_then_is_still_found_out(made, tmp_path):
    folder = shutil.copytree(made / "prepared", tmp_path / "prepared")
    [shard] = folder.glob("*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[1000] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DataError, match="checksum differs"):
        verify(load_prepared(folder))


def test_the_features_of_then_are_those_of_this_set(made):
    """Other versions of librosa, NumPy, openSMILE and TensorFlow compute the same."""
    mfcc = {"opensmile": opensmile_mfcc, "tensorflow": own_mfcc}
    mel = {"opensmile": mel_spectrogram, "tensorflow": own_mel}
    prepared = load_prepared(made / "prepared")
    way = prepared.features.mfcc
    records = tf.data.TFRecordDataset(
        [str(path) for path in (made / "prepared").glob("*.tfrecord")]
    )
    speech = {path.stem: load_waveform(path) for path in (made / "speech").glob("*.wav")}
    seen = 0
    for record in records:
        found = parse_example(record, ("mfcc", "mel_narrow", "mel_wide"), (64, 128))
        name = found["utterance_id"].numpy().decode()
        waveform = next(samples for stem, samples in speech.items() if stem in name)
        np.testing.assert_allclose(found["mfcc"], mfcc[way](waveform), rtol=1e-4, atol=1e-3)
        for mels, n_fft in (("mel_narrow", 256), ("mel_wide", 512)):
            now = mel[way](waveform, n_fft)
            np.testing.assert_allclose(found[mels], now, rtol=1e-4, atol=1e-6, err_msg=mels)
        seen += 1
    assert seen == 3


def own_mfcc(waveform):
    return tensorflow_mfcc(waveform[None], [len(waveform)])[0]


def own_mel(waveform, n_fft):
    return tensorflow_mel_spectrogram(waveform[None], [len(waveform)], n_fft)[0]
