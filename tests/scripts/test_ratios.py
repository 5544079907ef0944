"""The arithmetic by which benchmarks are judged."""

import random
from collections import Counter
from itertools import islice, pairwise, permutations, product
from statistics import fmean, median
from typing import Any

import pytest

from bench.arm_levels import balanced_orders, turns_of
from bench.expanded_percentiles import expanded, student_t
from bench.figures import p95
from bench.load import Level
from bench.ratios import Ratio, apart, interval
from bench.report import Report
from bench.round_bootstrap import figure_interval, ratio_interval
from bench.scenario import Scenario, has_fields


def test_an_interval_holds_the_ratio_and_narrows_with_the_spread() -> None:
    quiet = interval([2.0, 2.01, 1.99, 2.0, 2.0], [1.0, 1.01, 0.99, 1.0, 1.0])
    noisy = interval([1.0, 2.0, 3.0, 2.0, 4.0], [0.5, 1.0, 2.0, 1.0, 1.5])
    assert quiet[0] <= 2.0 <= quiet[1]
    assert quiet[1] - quiet[0] < 0.1 < noisy[1] - noisy[0]
    assert noisy == interval([1.0, 2.0, 3.0, 2.0, 4.0], [0.5, 1.0, 2.0, 1.0, 1.5])


@pytest.mark.parametrize(("freedom", "known"), [(4, 2.776), (9, 2.262), (19, 2.093), (99, 1.984)])
def test_students_t_is_that_of_the_tables(freedom: int, known: float) -> None:
    assert student_t(freedom) == pytest.approx(known, rel=0.003)


def test_an_interval_of_few_samples_is_wider_than_the_middle_of_the_draws() -> None:
    draws = [float(number) for number in range(10_001)]
    assert expanded(draws, 5) == pytest.approx((10, 9_990), abs=1)
    assert expanded(draws, 10) == pytest.approx((86, 9_914), abs=1)
    assert expanded(draws, 1_000_000) == pytest.approx((250, 9_750), abs=1)
    assert expanded(draws, 1) == (0, 10_000)


def test_of_five_samples_an_expanded_interval_holds_the_truth_oftener_than_the_middle_of_the_draws() -> None:
    dice = random.Random(1)
    plain = expanding = 0
    for _ in range(400):
        seen = [dice.gauss(0, 1) for _ in range(5)]
        drawn = sorted(fmean(dice.choices(seen, k=5)) for _ in range(400))
        low, high = expanded(drawn, 5)
        expanding += low <= 0 <= high
        plain += drawn[10] <= 0 <= drawn[-11]
    assert plain < 350 < expanding


def test_twins_are_as_far_apart_as_their_medians_whichever_is_slower() -> None:
    assert apart([1.0, 1.1, 9.0], [1.21, 1.21, 0.1]) == pytest.approx(0.1)
    assert apart([1.21], [1.1]) == pytest.approx(0.1)


def test_a_ratio_says_whether_its_target_is_met_in_either_direction() -> None:
    at_most = Ratio("1", "fan-out CPU", 1.42, target=1.6, unit="x raw")
    at_least = Ratio("3", "streams a core", 90, target=100, bound=">=")
    assert str(at_most) == "bench 1: fan-out CPU 1.42x raw (target <= 1.6) met"
    assert at_least.met is False
    assert Ratio("6b", "told only", 7.0).met is None


def test_what_sync_drivers_refuse_is_told_but_only_the_products_errors_count_unless_all_must_work() -> None:
    for is_smoke, counted in ((False, 2), (True, 5)):
        report = Report("redis_async", is_smoke=is_smoke)
        report.note_level("threads", "message@50", {"errors": 3})
        report.note_level("riverrun", "message@50", {"errors": 2})
        assert report.errors == counted


def test_arms_take_turns_in_other_orders_which_are_the_same_in_each_run() -> None:
    arms: Any = ["riverrun", "plan", "threads", "riverrun again"]
    rounds = list(islice(turns_of(arms), 20))
    assert all(sorted(one) == sorted(arms) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 5
    assert rounds == list(islice(turns_of(arms), 20))
    assert rounds != list(islice(turns_of(arms, seed=1), 20))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_each_arm_has_each_place_and_is_right_after_each_other_one_equally_often(count: int) -> None:
    arms: Any = list(range(count))
    orders = balanced_orders(arms)
    equally_often = len(orders) // count
    places = Counter(one for order in orders for one in enumerate(order))
    followed = Counter(pair for order in orders for pair in pairwise(order))
    assert places == dict.fromkeys(product(arms, arms), equally_often)
    assert followed == dict.fromkeys(permutations(arms, 2), equally_often)


def test_levels_at_which_requests_only_wait_for_each_other_are_not_played() -> None:
    hashed = Scenario("signup", "/signup", has_fields("token"), most_at_once=20)
    assert hashed.levels([50, 10, 20]) == [10, 20]
    assert hashed.levels([50]) == [20]
    assert Scenario("poll", "/poll", has_fields("status")).levels([10, 50]) == [10, 50]


def test_an_answer_of_another_status_or_shape_is_no_right_answer() -> None:
    poll = Scenario("poll", "/poll", has_fields("status"))
    assert poll.is_answered_by(200, b'{"status": "idle", "more": 1}')
    assert not poll.is_answered_by(503, b'{"status": "idle"}')
    assert not poll.is_answered_by(200, b'{"state": "idle"}')
    assert not poll.is_answered_by(200, b"<html>")


def test_an_error_is_counted_and_is_no_latency() -> None:
    figures = Level(rounds=[[0.010, 0.030]], errors=1, wall_seconds=1.0, client_cpu_seconds=0.9).as_dict()
    assert (figures["requests"], figures["errors"], figures["max_ms"]) == (3, 1, 30.0)
    assert figures["client_was_bottleneck"]


def test_a_round_that_was_late_as_a_whole_widens_the_interval_since_rounds_are_drawn() -> None:
    steady = [[0.010, 0.011, 0.012]] * 9
    assert figure_interval([*steady, [0.3, 0.3, 0.3]], p95)[1] == 0.3
    assert figure_interval([*steady, steady[0]], p95) == (0.012, 0.012)


def test_the_same_rounds_are_drawn_of_both_arms() -> None:
    drifting = [[float(number), number + 0.5] for number in range(1, 11)]
    twice = [[2 * value for value in one] for one in drifting]
    assert ratio_interval(twice, drifting, median) == (2.0, 2.0)
    assert ratio_interval([[1.0], []] * 3, [[], [2.0]] * 3, median) == (0.5, 0.5)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_of_fewer_than_five_rounds_there_is_no_interval(count: int) -> None:
    rounds = [[0.010, 0.030]] * count
    assert figure_interval(rounds, p95) is None
    assert ratio_interval(rounds, [[0.010]] * 9, median) is None
    figures = Level(rounds=[*rounds, [0.010]][:4], wall_seconds=1.0).as_dict()
    assert figures["p95_ci95_ms"] is None
    assert Level(rounds=[[0.010]] * 5, wall_seconds=1.0).as_dict()["p95_ci95_ms"] == [10.0, 10.0]
