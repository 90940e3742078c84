"""What in the folder of a fold is of the run: only that is removed."""

import keras
import pytest

from ser_keras.errors import SerError
from ser_keras.heard import write_heard
from ser_keras.model_info import ModelInfo
from ser_keras.runs.files import MODEL_FILES
from ser_keras.runs.ownership import empty_fold, foreign_in_fold, is_empty
from ser_keras.settings import Settings
from ser_keras.training.model_files import save_model

WRITTEN = (
    "result.json",
    "predictions.csv",
    "history.csv",
    "checkpoint.npz",
    ".checkpoint.npz.123.partial",
    "model/config.json",
    "model/info.json",
    "model/model.weights.h5",
    "model/.model.weights.h5.123.partial",
    "train/events.out.tfevents.1.host.2.0.v2",
    "validation/events.out.tfevents.1.host.2.0.v2",
)


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_training_wrote_is_taken_out(tmp_path):
    fold = tmp_path / "fold_0"
    write(fold, *WRITTEN)
    inode = fold.stat().st_ino
    assert foreign_in_fold(fold) == []
    empty_fold(fold)
    assert list(fold.iterdir()) == []
    assert fold.stat().st_ino == inode  # the folder stays: a lock may be on it
    empty_fold(tmp_path / "new" / "fold_1")
    assert (tmp_path / "new" / "fold_1").is_dir()


@pytest.mark.parametrize(
    "foreign",
    [
        "take1.wav",
        "train/take1.wav",
        "validation/deep/take1.wav",
        "model/notes.txt",
        "events.out.tfevents.1",  # ours lie in train and validation
        "takes/result.json",
        ".hidden",
        ".thesis.odt.partial",
        "RESULT.json",
    ],
)
def test_anything_else_is_named_and_nothing_is_removed(tmp_path, foreign):
    fold = tmp_path / "fold_0"
    write(fold, *WRITTEN, foreign)
    before = names_in(fold)
    known_folder = foreign.split("/")[0] in ("train", "validation", "model")
    shown = "/".join(foreign.split("/")[: 2 if known_folder else 1])
    with pytest.raises(SerError, match="training did not write") as caught:
        empty_fold(fold)
    assert f"{fold}: holds {shown}, which" in str(caught.value)
    assert names_in(fold) == before


def test_what_systems_leave_in_folders_is_no_hindrance_and_stays(tmp_path):
    fold = tmp_path / "fold_0"
    litter = (".DS_Store", "train/._events", "Thumbs.db", "model/.nfs000123")
    write(fold, *WRITTEN, *litter)
    empty_fold(fold)
    assert names_in(fold) == sorted(litter)
    write(tmp_path / "new", ".DS_Store")
    assert is_empty(tmp_path / "new")


def test_links_are_never_followed(tmp_path):
    mine, fold = tmp_path / "mine", tmp_path / "fold_0"
    write(mine, "events.out.tfevents.1")
    fold.mkdir()
    (fold / "train").symlink_to(mine)
    with pytest.raises(SerError, match="holds train, which"):
        empty_fold(fold)
    (fold / "train").unlink()
    write(tmp_path, "history of mine.csv")
    (fold / "history.csv").symlink_to(tmp_path / "history of mine.csv")
    empty_fold(fold)  # the link goes, what it pointed to stays
    assert names_in(tmp_path) == ["history of mine.csv", "mine/events.out.tfevents.1"]


def test_many_foreign_files_are_counted(tmp_path):
    write(tmp_path, *(f"{number}.wav" for number in range(6)))
    with pytest.raises(SerError, match=r"holds 0\.wav, 1\.wav, 2\.wav and 3 more, which"):
        empty_fold(tmp_path)


def test_first_writes_that_were_cut_off_are_nothing(tmp_path):
    assert is_empty(tmp_path)
    write(tmp_path, ".config.json.123.partial")
    assert is_empty(tmp_path)
    write(tmp_path, ".other.123.partial")
    assert not is_empty(tmp_path)


def test_the_files_of_a_model_are_those_that_are_known(tmp_path, tiny_info):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    info = ModelInfo.from_json(tiny_info.to_json())
    save_model(model, Settings(), info, tmp_path / "model")
    write_heard([], tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(MODEL_FILES)
