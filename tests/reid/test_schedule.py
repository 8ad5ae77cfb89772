"""Learning rates against equation (1) of the paper and closed forms."""

from __future__ import annotations

import math

import pytest

from mtmc.reid.schedule import (
    CyclesConfig,
    ScheduleConfig,
    cyclic_learning_rate,
    ends_cycle,
    learning_rate,
)


def equation_1(t: int) -> float:
    if t <= 10:
        return 3e-2 * t / 10
    if t <= 150:
        return 3e-2
    if t <= 225:
        return 3e-3
    return 3e-4


def test_default_is_equation_1():
    config = ScheduleConfig()
    for t in range(1, 351):
        for progress in (0.0, 0.7):
            assert learning_rate(config, 350, t, progress) == pytest.approx(
                equation_1(t), rel=1e-12
            )


def test_cosine_falls_to_zero_after_the_warm_up():
    config = ScheduleConfig(shape="cosine", base_lr=0.1, warmup_epochs=2)
    assert learning_rate(config, 12, 1) == pytest.approx(0.05)
    assert learning_rate(config, 12, 2) == pytest.approx(0.1)
    assert learning_rate(config, 12, 3) == pytest.approx(0.1)
    assert learning_rate(config, 12, 8, 0.0) == pytest.approx(0.05)
    assert learning_rate(config, 12, 12, 1.0) == pytest.approx(0.0)


def test_cosine_may_wait():
    config = ScheduleConfig(shape="cosine", base_lr=0.1, warmup_epochs=2, flat_epochs=4)
    rates = [learning_rate(config, 16, epoch, 0.5) for epoch in range(1, 17)]
    assert rates[2:6] == [0.1] * 4
    fall = [0.05 * (1 + math.cos(math.pi * (epoch + 0.5) / 10)) for epoch in range(10)]
    assert rates[6:] == pytest.approx(fall)


def test_no_warm_up():
    assert learning_rate(ScheduleConfig(warmup_epochs=0), 10, 1) == 3e-2


def test_cycles_restart_lower_by_the_decay():
    config = CyclesConfig(cycles=15, epochs_per_cycle=35, start_lr=0.02)
    assert config.epochs == 525
    for cycle in range(15):
        first = 35 * cycle + 1
        start = 0.02 * 0.7**cycle
        assert cyclic_learning_rate(config, first) == pytest.approx(start)
        middle = cyclic_learning_rate(config, first + 17, 0.5)
        assert middle == pytest.approx(start / 2)
        late = cyclic_learning_rate(config, first + 34, 0.9)
        assert late == pytest.approx(start * (1 + math.cos(math.pi * 34.9 / 35)) / 2)
    assert [e for e in range(1, 80) if ends_cycle(config, e)] == [35, 70]


def test_cycles_end_at_their_end_rate():
    config = CyclesConfig(cycles=30, epochs_per_cycle=2, start_lr=0.1, end_lr=0.01)
    assert cyclic_learning_rate(config, 2, 1.0) == pytest.approx(0.01)
    assert cyclic_learning_rate(config, 59) == pytest.approx(0.01)  # 0.1 * 0.7^29 is below it


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (ScheduleConfig, {"base_lr": 0.0}, "base_lr: expected a value above 0"),
        (ScheduleConfig, {"warmup_epochs": -1}, "warmup_epochs: expected 0 or more"),
        (ScheduleConfig, {"flat_epochs": -1}, "flat_epochs: expected 0 or more"),
        (ScheduleConfig, {"milestones": (5, 5)}, "milestones: expected rising epochs"),
        (ScheduleConfig, {"gamma": 0.0}, "gamma: expected a factor"),
        (CyclesConfig, {"cycles": -1}, "cycles: expected 0 or more"),
        (CyclesConfig, {"epochs_per_cycle": 0}, "epochs_per_cycle: expected 1 or more"),
        (CyclesConfig, {"end_lr": 1.0}, "start_lr: expected a value above end_lr"),
        (CyclesConfig, {"decay": 1.1}, "decay: expected a factor"),
    ],
)
def test_configs_are_checked(config, changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)
