"""The timeline of a recording with known loud and silent stretches."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.reading import Recording
from data_pipeline.contract import MAX_SECONDS
from data_pipeline.features.level import TrainingProfile
from ser_keras.errors import SerError
from ser_keras.predict.files import predict_files
from ser_keras.predict.served_model import Answer
from ser_keras.predict.timeline.figure import timeline_figure
from ser_keras.predict.timeline.files import output_stems, write_timelines
from ser_keras.predict.timeline.forms import segment_columns, segment_rows
from ser_keras.predict.timeline.judging import (
    DEFAULT_WINDOW_SECONDS,
    NO_SPEECH,
    default_window_seconds,
    judge_recording,
    segments_of,
    speech_shares,
    window_bounds,
    window_starts,
)
from ser_keras.scores.lettering import drawable

ROOT = Path(__file__).parents[4]
WINDOW, HOP = 1.0, 0.4


@pytest.fixture(scope="module")
def waveform():
    """3 s of noise, a pause of 3 s with a soft hiss, 1.3 s of a tone."""
    rng = np.random.default_rng(2)
    tone = 0.3 * np.sin(2 * np.pi * 180 * np.arange(20800) / 16000)
    parts = [rng.normal(0, 0.1, 48000), rng.normal(0, 3e-4, 48000), tone]
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="module")
def timeline(served, waveform):
    return judge_recording(served, "talk.wav", Recording(waveform, 16000), WINDOW, HOP)


@pytest.mark.parametrize("num_samples", [10, 11, 13, 14, 15, 23, 100])
def test_windows_cover_every_sample_and_none_goes_beyond(num_samples):
    starts = window_starts(num_samples, window=10, hop=4)
    covered = np.zeros(num_samples, bool)
    for start in starts:
        assert 0 <= start <= num_samples - 10
        covered[start : start + 10] = True
    assert covered.all()
    assert (np.diff(starts) > 0).all() and set(np.diff(starts)[:-1]) <= {4}


def test_each_window_is_judged_like_a_file_of_its_own(served, timeline, waveform, tmp_path):
    judged = [one for one in timeline.windows if not one.error][::3]
    assert len(judged) >= 3
    paths = [tmp_path / f"{number}.wav" for number in range(len(judged))]
    for path, one in zip(paths, judged, strict=True):
        first, last = (round(16000 * s) for s in (one.start_seconds, one.end_seconds))
        assert last - first == 16000 * WINDOW
        soundfile.write(path, waveform[first:last], 16000, subtype="FLOAT")
    for one, alone in zip(judged, predict_files(served, paths), strict=True):
        assert (one.emotion, one.unsure) == (alone.emotion, alone.unsure)
        assert one.probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_a_pause_has_no_emotion_whatever_the_model_would_say(served, timeline, waveform):
    [pause] = [one for one in timeline.windows if (one.start_seconds, one.end_seconds) == (4, 5)]
    assert served.answers([waveform[64000:80000]])[0].emotion  # it would have named one
    assert (pause.emotion, pause.unsure, pause.probabilities) == ("", False, {})
    assert pause.error == NO_SPEECH
    for one in timeline.windows:
        heard = max(0, 3 - one.start_seconds) + max(0, one.end_seconds - 6)
        if abs(heard - 1 / 3) > 0.05:
            assert bool(one.error) == (heard < 1 / 3)


def test_speech_is_counted_beside_the_loudest_frame_of_the_recording():
    rng = np.random.default_rng(0)
    half = np.concatenate([rng.normal(0, 0.1, 16000), rng.normal(0, 1e-4, 16000)])
    shares = speech_shares(half, [0, 8000, 16000], 16000)
    assert shares == pytest.approx([1, 0.5, 0], abs=0.03)


def test_segments_tile_the_recording_and_agree_with_the_nearest_window(timeline):
    segments = timeline.segments
    assert segments[0].start_seconds == 0
    assert segments[-1].end_seconds == timeline.duration_seconds == 7.3
    for before, after in zip(segments, segments[1:], strict=False):
        assert before.end_seconds == after.start_seconds
    centres = np.array([(one.start_seconds + one.end_seconds) / 2 for one in timeline.windows])
    for time in np.arange(0.05, 7.3, 0.1):
        [segment] = [one for one in segments if one.start_seconds <= time < one.end_seconds]
        nearest = timeline.windows[np.abs(centres - time).argmin()]
        assert (segment.error, segment.unsure) == (nearest.error, nearest.unsure)
        if not segment.unsure:
            assert segment.emotion == nearest.emotion


def test_neighbours_that_say_the_same_are_one_segment_with_their_mean(served):
    def answer(first, second):
        return served.answer_of({"angry": first, "sad": second})

    silent = Answer("", False, {}, "mostly silent")
    answers = [answer(0.9, 0.1), answer(0.7, 0.3), answer(0.48, 0.47), answer(0.1, 0.49)]
    answers += [silent, silent, answer(0.2, 0.8), answer(0.9, 0.1)]
    segments = segments_of(served, answers, np.arange(9.0))
    assert [(one.start_seconds, one.end_seconds) for one in segments] == [
        (0, 2),
        (2, 4),
        (4, 6),
        (6, 7),
        (7, 8),
    ]
    assert [one.emotion for one in segments] == ["angry", "sad", "", "sad", "angry"]
    assert [one.unsure for one in segments] == [False, True, False, False, False]
    assert segments[0].probabilities == pytest.approx({"angry": 0.8, "sad": 0.2})
    assert segments[2].error == "mostly silent"


def test_bounds_lie_half_way_between_centres():
    bounds = window_bounds([0, 16000, 24000], window=16000, num_samples=40000)
    assert bounds == pytest.approx([0, 1.0, 1.75, 2.5])


def test_recording_shorter_than_a_window_is_one_window(served, waveform):
    short = judge_recording(served, "a.wav", Recording(waveform[:9600], 16000), 2.0, 1.0)
    [window], [segment] = short.windows, short.segments
    assert window == segment
    assert (window.start_seconds, window.end_seconds) == (0, 0.6)


def test_default_window_is_the_median_of_the_training_recordings(tiny_info):
    assert default_window_seconds(tiny_info) == DEFAULT_WINDOW_SECONDS
    for durations, expected in [((1.0, 2.634, 6.0), 2.6), ((1.0, 90.0, 100.0), MAX_SECONDS)]:
        profile = TrainingProfile(9, durations, (-30.0, -20.0, -10.0), (0.0, 0.1, 0.2))
        assert default_window_seconds(replace(tiny_info, training_profile=profile)) == expected


# --- files ---


@pytest.fixture
def folders(tmp_path, waveform):
    """Two files of one name in two folders, and one that is no audio."""
    paths = [tmp_path / "in" / name for name in ("a/talk.wav", "b/talk.wav", "b/text.wav")]
    for path in paths[:2]:
        path.parent.mkdir(parents=True)
        soundfile.write(path, waveform, 16000)
    paths[2].write_text("no audio")
    return paths


def test_csv_json_and_picture_of_each_file_say_the_same(served, folders, tmp_path):
    timelines = list(write_timelines(served, folders, tmp_path / "out", WINDOW, HOP))
    assert [bool(one.error) for one in timelines] == [False, False, True]
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("out/*/*"))
    kinds = ("csv", "json", "png")
    assert written == [f"out/{folder}/talk.wav.{kind}" for folder in "ab" for kind in kinds]

    stored = json.loads((tmp_path / "out/b/talk.wav.json").read_text())
    assert stored["file"] == str(folders[1]) and stored["duration_seconds"] == 7.3
    assert len(stored["windows"]) == len(timelines[1].windows)
    with (tmp_path / "out/b/talk.wav.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(stored["segments"]) > 2
    for row, segment in zip(rows, stored["segments"], strict=True):
        assert float(row["start_seconds"]) == pytest.approx(segment["start_seconds"], abs=1e-3)
        assert row["emotion"] == segment["emotion"] and row["error"] == segment["error"]
        assert row["unsure"] == ("unsure" if segment["unsure"] else "")
        for emotion, probability in segment["probabilities"].items():
            assert float(row[f"probability_{emotion}"]) == pytest.approx(probability)
    assert (tmp_path / "out/b/talk.wav.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_that_is_no_text_is_written_with_escapes_and_the_rest_goes_on(
    served, folders, tmp_path
):
    strange = folders[0].rename(folders[0].with_name(os.fsdecode(b"talk \xff.wav")))
    results = list(write_timelines(served, [strange, folders[1]], tmp_path / "out", WINDOW, HOP))
    assert [one.error for one in results] == ["", ""]
    assert results[0].file == str(strange)
    stem = tmp_path / "out/a" / strange.name
    written = [stem.with_name(f"{stem.name}.{kind}") for kind in ("csv", "json", "png")]
    assert all(path.stat().st_size for path in written)
    with written[0].open(newline="", encoding="utf-8") as file:
        named_by_csv = {row["file"] for row in csv.DictReader(file)}
    assert named_by_csv == {json.loads(written[1].read_text())["file"]}
    assert named_by_csv.pop().endswith("talk \\udcff.wav")


def test_a_file_that_cannot_be_used_is_a_row_with_its_error(served, folders):
    [timeline] = write_timelines(served, folders[2:], folders[2].parent, WINDOW, HOP)
    [row] = segment_rows(timeline, served.emotions)
    assert len(row) == len(segment_columns(served.emotions))
    assert row[0] == str(folders[2]) and row[-1].startswith("cannot be decoded")


def test_results_of_one_folder_lie_side_by_side(tmp_path):
    stems = output_stems([tmp_path / "a.wav", tmp_path / "a.mp3"], tmp_path / "out")
    assert stems == [tmp_path / "out/a.wav", tmp_path / "out/a.mp3"]


def test_output_that_cannot_be_written_is_one_clear_line(served, folders, tmp_path):
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(SerError, match="taken: cannot be written .*; choose another --out"):
        list(write_timelines(served, folders[:1], tmp_path / "taken", WINDOW, HOP))


def test_a_name_too_long_for_results_is_an_error_of_that_file_and_the_rest_goes_on(
    served, folders, tmp_path
):
    """ "<name>.csv" would fit into 255 bytes, "<name>.json" does not: nothing is left of it."""
    long = folders[0].rename(folders[0].with_name("n" * 247 + ".wav"))
    results = list(write_timelines(served, [long, folders[1]], tmp_path / "out", WINDOW, HOP))
    assert [one.file for one in results] == [str(long), str(folders[1])]
    assert results[0].error == "its results cannot be written (File name too long); rename it"
    assert results[1].error == "" and results[1].segments
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        "talk.wav.csv",
        "talk.wav.json",
        "talk.wav.png",
    ]


def test_a_name_of_240_bytes_has_results(served, folders, tmp_path):
    long = folders[0].rename(folders[0].with_name("n" * 236 + ".wav"))
    [result] = write_timelines(served, [long], tmp_path / "out", WINDOW, HOP)
    assert result.error == ""
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [f"{long.name}.{kind}" for kind in ("csv", "json", "png")]


@pytest.mark.parametrize("kind", ["csv", "json", "png"])
def test_somebodys_file_is_not_replaced_and_the_rest_goes_on(served, folders, tmp_path, kind):
    mine = tmp_path / f"out/a/talk.wav.{kind}"
    mine.parent.mkdir(parents=True)
    mine.write_text("label,speaker")
    results = list(write_timelines(served, folders[:2], tmp_path / "out", WINDOW, HOP))
    assert results[0].error == (
        f"{mine} is there and was not written by --timeline; choose another --out"
    )
    assert results[1].error == ""
    assert mine.read_text() == "label,speaker"
    assert [path.name for path in mine.parent.iterdir()] == [mine.name]


def test_earlier_results_are_replaced(served, folders, tmp_path):
    for window in (WINDOW, 2 * WINDOW):
        [result] = write_timelines(served, folders[:1], tmp_path / "out", window, HOP)
        assert not result.error
    stored = json.loads((tmp_path / "out/talk.wav.json").read_text())
    assert stored["window_seconds"] == 2 * WINDOW


def test_what_cannot_be_written_is_one_line_a_file_and_leaves_no_part(
    tiny_saved_model, folders, tmp_path
):
    """Files may not grow beyond 100 bytes: a real write fails."""
    script = (
        "import resource, signal, sys;"
        "from ser_keras.__main__ import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "predict", "--model", str(tiny_saved_model)]
    command += ["--timeline", "--out", str(tmp_path / "out"), *map(str, folders[:2])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line, path in zip(lines, folders, strict=False):
        reason = "its results cannot be written (File too large); choose another --out"
        assert line == f"{path}: error: {reason}"
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


# --- the picture ---


def test_picture_carries_the_name_as_it_is_and_the_warnings(served, timeline, waveform):
    strange = replace(timeline, file="a/cost $5 or $6.wav", warnings=("12 dB quieter",))
    figure = timeline_figure(strange, waveform, served.emotions, 0.5)
    figure.canvas.draw()
    first, second = figure.axes[0].get_title(loc="left").splitlines()
    assert first.startswith("cost $5 or $6.wav: windows of 1 s every 0.4 s")
    assert second == "warning: 12 dB quieter"
    assert not figure.axes[0].title.get_parse_math()


def test_names_of_all_alphabets_are_read_in_the_picture(served, timeline, waveform):
    """Warnings are errors here, and a letter that no font has is one."""
    emotions = ["_calm", "怒り", "__happy", "_"]
    windows = [
        replace(one, probabilities=dict(zip(emotions, one.probabilities.values(), strict=False)))
        for one in timeline.windows
    ]
    segments = [
        replace(one, emotion="" if one.error else "怒り", unsure=False) for one in timeline.segments
    ]
    named = replace(timeline, file="録音.wav", windows=tuple(windows), segments=tuple(segments))
    figure = timeline_figure(named, waveform, emotions, 0.5)
    figure.canvas.draw()
    legend = figure.axes[2].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(map(drawable, emotions))
    for line, curve in zip(legend.get_lines(), figure.axes[2].lines, strict=False):
        assert line.get_color() == curve.get_color()
    assert drawable("怒り") in {text.get_text() for text in figure.axes[1].texts}
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith(f"{drawable('録音.wav')}: windows of 1 s")


def test_a_long_name_leaves_room_for_the_picture(served, timeline, waveform):
    figure = timeline_figure(replace(timeline, file="n" * 250), waveform, served.emotions, 0.5)
    figure.canvas.draw()
    assert figure.axes[0].get_title(loc="left").startswith("n" * 77 + "...: windows of")


def test_picture_shows_windows_segments_and_where_there_is_no_answer(served, timeline, waveform):
    figure = timeline_figure(timeline, waveform, served.emotions, 0.5)
    wave, strip, lines = figure.axes
    curves = {line.get_label(): line for line in lines.lines}
    for emotion in served.emotions:
        drawn = curves[emotion].get_ydata()
        expected = [one.probabilities.get(emotion, np.nan) for one in timeline.windows]
        np.testing.assert_allclose(drawn, expected)
        assert np.isnan(drawn).any()  # the pause breaks the line
    assert len({curves[emotion].get_color() for emotion in served.emotions}) == 4
    assert len({curves[emotion].get_linestyle() for emotion in served.emotions}) == 4
    for box, segment in zip(strip.patches, timeline.segments, strict=True):
        assert box.get_x() == pytest.approx(segment.start_seconds)
        assert box.get_x() + box.get_width() == pytest.approx(segment.end_seconds)
        assert box.get_hatch() == ("////" if segment.unsure else None)
    drawn = wave.collections[0].get_datalim(wave.transData).intervaly
    assert tuple(drawn) == pytest.approx((waveform.min(), waveform.max()))
