"""Where items of a queue go when some of them are moved: pure functions on their ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def moved(order: Sequence[int], chosen: Collection[int], offset: int) -> list[int]:
    """Return ``order`` with ``chosen`` moved by ``offset`` places, up if it is negative.

    Those that reach an end stay in their order there.
    """
    result = list(order)
    places = [place for place, number in enumerate(result) if number in chosen]
    if offset >= 0:
        places.reverse()
    edge = 0 if offset < 0 else len(result) - 1
    for place in places:
        goal = max(edge, place + offset) if offset < 0 else min(edge, place + offset)
        result.insert(goal, result.pop(place))
        edge = goal + 1 if offset < 0 else goal - 1
    return result


def placed(order: Sequence[int], chosen: Collection[int], place: int) -> list[int]:
    """Return ``order`` with ``chosen`` together, in the order that they had, before what is at ``place`` now."""
    before = [number for number in order[:place] if number not in chosen]
    behind = [number for number in order[place:] if number not in chosen]
    return [*before, *(number for number in order if number in chosen), *behind]
