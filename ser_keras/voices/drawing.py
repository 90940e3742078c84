"""Which recordings of a tested voice tell of it, and which are judged by them."""

from collections.abc import Callable, Sequence

import numpy as np

# How many recordings of a voice are known; all is transductive: each is judged by all others.
ALL = "all"
NUMBERS = ("1", "5", "20", ALL)
# The number whose answers are kept: a profile as users make it.
USUAL = "20"


def drawn_orders(voices: Sequence[str], positions: np.ndarray, seed: int) -> list[np.ndarray]:
    """The rows of each voice with two recordings or more, in an order that is drawn.

    Args:
        voices: who speaks in each recording; "" where nobody knows: those have no voice.
        positions: place of each recording in its folder, which decides the order with the seed,
            whatever order they were read in.
        seed: of the orders.
    """
    orders = []
    names = np.array(voices)
    for number, voice in enumerate(sorted(set(voices) - {""})):
        rows = np.flatnonzero(names == voice)
        if len(rows) > 1:
            rows = rows[np.argsort(np.asarray(positions)[rows])]
            orders.append(np.random.default_rng([seed, number]).permutation(rows))
    return orders


def profiles_of_tested(
    orders: Sequence[np.ndarray], number: str, make: Callable[[np.ndarray], np.ndarray]
) -> dict[int, np.ndarray]:
    """The profile that each recording is judged by, never made from itself.

    The first recordings in the order of a voice make the profile of all others. One of the first is
    judged by the rest of them and the next one in the order.

    Args:
        orders: from `drawn_orders`.
        number: one of NUMBERS; a voice with fewer others is told by all of them.
        make: rows of recordings of a voice -> its profile.
    """
    profiles: dict[int, np.ndarray] = {}
    for order in orders:
        count = len(order) - 1 if number == ALL else min(int(number), len(order) - 1)
        first = order[:count]
        if count < len(order):
            profiles |= dict.fromkeys(map(int, order[count:]), make(first))
        for row in first:
            others = order[: count + 1]
            profiles[int(row)] = make(others[others != row])
    return profiles
