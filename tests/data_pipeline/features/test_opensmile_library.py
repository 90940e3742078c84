"""openSMILE works whatever was imported before it, and gives the same."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
from data_pipeline.features.functionals import opensmile_functionals
from data_pipeline.features.mfcc import opensmile_mfcc
speech = np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32)
print(repr(opensmile_mfcc(speech).tobytes()), repr(opensmile_functionals(speech, "eGeMAPSv02")))
"""


def printed(before):
    """What a process prints that imported something before: it ends in openSMILE, or it does not"""
    done = subprocess.run(
        [sys.executable, "-c", before + PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("library", ["tensorflow", "librosa"])
def test_opensmile_after_another_library_is_opensmile_alone(library):
    assert printed(f"import {library}\n") == printed("")
