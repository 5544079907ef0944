"""A seed and a number give the same steps again."""

from collections.abc import Callable
from typing import Any

from tests.chaos.director import draw
from tests.chaos.schedule_machine import ClientsAndFaults, schedules_of
from tests.chaos.story import Story

SCHEDULES = 20


class Listener:
    """A stage on which nothing is played."""

    def __init__(self) -> None:
        self.steps: dict[int, list[str]] = {}

    def site_for(self, number: int) -> None:
        self.steps[number] = []

    def report(self, number: int, act: str, story: Story) -> None:
        raise AssertionError("nothing was played")


class OnlyDrawn(ClientsAndFaults):
    """Says its steps instead of taking them."""

    stage: Any

    def play(self, words: str, action: Callable[..., object]) -> None:
        self.stage.steps[self.number].append(words)


def steps_of(seed: int) -> dict[int, list[str]]:
    listener = Listener()
    draw(schedules_of(listener, OnlyDrawn), seed, SCHEDULES)
    return listener.steps


def test_a_seed_and_a_number_give_the_same_steps_again() -> None:
    steps = steps_of(7)
    assert steps == steps_of(7)
    assert steps != steps_of(8)


def test_schedules_differ_and_take_every_rule_among_them() -> None:
    steps = steps_of(7)
    assert len({tuple(one) for one in steps.values()}) == len(steps) >= SCHEDULES
    taken = {words.partition("(")[0] for one in steps.values() for words in one if "(" in words}
    rules = {
        name for name, member in vars(ClientsAndFaults).items() if hasattr(member, "hypothesis_stateful_rule")
    }
    assert rules
    assert taken == rules
