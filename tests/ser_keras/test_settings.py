"""Settings: groups, names, files of every age, and what a command line may say."""

import argparse
import json

import pytest

from ser_keras.commands.train_options import read_setting
from ser_keras.runs.config import RunConfig
from ser_keras.settings import (
    PRESETS,
    VARIANTS,
    Network,
    Optimiser,
    Settings,
    as_text,
    differing,
    listed_settings,
    reader_of,
)


def test_no_name_is_in_two_groups():
    """In files the groups are left out, so a name in two of them would be lost."""
    names = [name.split(".")[1] for name in Settings().by_name()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("preset", PRESETS)
def test_files_give_the_settings_back(preset):
    settings = PRESETS[preset]
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    assert differing(settings, preset) == {}


def test_what_a_file_does_not_have_has_its_default_and_what_is_newer_is_refused():
    assert Settings.from_json({"units": 8}) == Settings(network=Network(units=8))
    with pytest.raises(KeyError, match="temper"):
        Settings.from_json({"temper": 0.5})


@pytest.mark.parametrize("name", Settings().by_name())
def test_every_setting_reads_what_it_is_written_as(name):
    for preset in PRESETS.values():
        value = preset.by_name()[name]
        assert reader_of(name)(as_text(value)) == value
        assert read_setting(f"{name}={as_text(value)}") == (name, value)


@pytest.mark.parametrize(
    "text",
    [
        "units=8",
        "network.units",
        "network.unit=8",
        "network=8",
        "=8",
        "network.units=",
        "network.units=0",
        "network.units=8.5",
        "network.units=eight",
        "network.filters=32",
        "network.filters=32,16,8",
        "network.filters=32;16",
        "network.gate_norm=never",
        "optimiser.learning_rate=0",
        "optimiser.learning_rate=nan",
        "optimiser.batch_size=4",
        "optimiser.halve_at=10,,20",
    ],
)
def test_a_wrong_setting_is_refused_with_all_that_there_are(text):
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read_setting(text)
    for name in Settings().by_name():
        assert f"{name}=" in str(refused.value)


def test_values_go_into_their_groups():
    values = {"network.filters": (32, 16), "optimiser.epochs": 3}
    changed = PRESETS["authors"].with_values(values)
    assert changed.network.filters == (32, 16) and changed.optimiser.epochs == 3
    assert changed.network.aligned_frames == PRESETS["authors"].network.aligned_frames
    assert differing(changed, "authors") == {"filters": (32, 16), "epochs": 3}
    assert "network.filters=64,16" in listed_settings()


def test_presets_are_those_of_the_paper_and_its_authors():
    paper, authors = PRESETS["paper"], PRESETS["authors"]
    assert paper.network == Network(units=200, filters=(64, 16), kernel_narrow=(4, 4))
    assert paper.optimiser == Optimiser(learning_rate=1e-4, batch_size=128)
    assert authors.optimiser.halve_at == (10, 20, 30)
    assert set(VARIANTS["dual_level"].values()) == {0.5}


CONTENT = {
    "data_key": "key",
    "corpus": "emodb",
    "emotions": ["angry", "sad"],
    "label_map": {"W": "angry", "T": "sad"},
    "subset": "all",
    "features": {"sample_rate": 16000, "mfcc": "opensmile", "n_fft": [256, 512]},
    "group_by": "speaker",
    "protocol": "random",
    "selection": "",
    "variant": "base_1",
    "preset": "paper",
    "settings": Settings().to_json(),
    "seed": 0,
    "folds_key": "folds",
    "recordings_key": "recordings",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"variant": "svm_eGeMAPSv02", "preset": "classical", "settings": {"cost": 0.1}},
        {"fold": 3, "weighted_accuracy": 0.5, "versions": {}},  # a result.json
    ],
)
def test_a_configuration_comes_back_from_its_file(changes):
    config = RunConfig.from_json(CONTENT | changes)
    again = RunConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == RunConfig.from_json(json.loads(json.dumps(again.to_json())))
    assert again.to_json().keys() == CONTENT.keys()
    assert again.variant == (CONTENT | changes)["variant"]


def test_a_run_without_a_key_of_its_folds_is_older_than_it():
    older = {name: value for name, value in CONTENT.items() if name != "folds_key"}
    assert RunConfig.from_json(older).folds_key == ""
