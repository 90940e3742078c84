"""Timing of calls that are compared: they take turns, so that all meet the same machine."""

import statistics
import time
from collections.abc import Callable, Mapping

# Turns that are not timed: the first call traces, the second may still fill caches.
WARM_UPS = 2


def seconds_in_turns(calls: Mapping[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, `rounds` times."""
    seconds = {name: [] for name in calls}
    for number in range(WARM_UPS + rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number >= WARM_UPS:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each call."""
    return {name: statistics.median(taken) for name, taken in seconds.items()}
