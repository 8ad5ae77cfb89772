from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
import tomli_w

from mtmc.config import apply_overrides, from_dict, load_toml, to_plain
from mtmc.errors import InputError
from mtmc.run_config import RunConfig


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int] = (1, 2)
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    age: int = 3
    rate: float = 1.0
    name: str | None = None
    on: bool = False
    inner: Inner = field(default_factory=Inner)
    several: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.age < 0:
            raise ValueError(f"age: expected 0 or more, got {self.age}")


def test_values_reach_their_fields_with_the_right_types():
    built = from_dict(
        Outer,
        {"age": 5, "rate": 2, "name": "x", "on": True, "inner": {"size": [3, 4], "kind": "b"},
         "several": [1, 2.5]},
    )  # fmt: skip
    assert built == Outer(5, 2.0, "x", True, Inner((3, 4), "b"), (1.0, 2.5))
    assert isinstance(built.rate, float)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"agee": 1}, r"outer\.agee: unknown key .*did you mean 'age'"),
        ({"age": "old"}, r"outer\.age: expected a whole number, got 'old'"),
        ({"age": True}, r"outer\.age: expected a whole number, got True"),
        ({"age": 1.5}, r"outer\.age: expected a whole number"),
        ({"rate": float("nan")}, r"outer\.rate: expected a number, got NaN"),
        ({"on": 1}, r"outer\.on: expected true or false"),
        ({"inner": 3}, r"outer\.inner: expected a table"),
        ({"inner": {"size": [1]}}, r"outer\.inner\.size: expected 2 values, got 1"),
        ({"inner": {"kind": "c"}}, r"outer\.inner\.kind: expected one of 'a', 'b', got 'c'"),
        ({"several": [1, "x"]}, r"outer\.several\[1\]: expected a number"),
        ({"age": -1}, r"outer\.age: expected 0 or more, got -1"),
    ],
)
def test_what_does_not_fit_is_named_by_its_dotted_key(data, message):
    with pytest.raises(InputError, match=message):
        from_dict(Outer, data, "outer")


def test_overrides_are_toml_values_and_leave_the_original_alone():
    original = {"tracker": {"age": 1}}
    changed = apply_overrides(
        original, ["tracker.age=60", "tracker.name=sort", "run.roi=[1, 2]", "run.video=true"]
    )
    assert changed == {
        "tracker": {"age": 60, "name": "sort"},
        "run": {"roi": [1, 2], "video": True},
    }
    assert original == {"tracker": {"age": 1}}


@pytest.mark.parametrize("override", ["noequals", "=3", "a..b=1", "tracker.age.deep=1"])
def test_malformed_overrides_are_errors(override):
    with pytest.raises(InputError, match="--set"):
        apply_overrides({"tracker": {"age": 1}}, [override])


def test_run_config_round_trips_through_toml(tmp_path):
    config = RunConfig.from_tables(
        {"run": {"frames": "3:9", "roi": [1, 2, 30, 40.5]}, "tracker": {"name": "deepsort"},
         "scores": {"kind": "logistic", "center": 1.0, "scale": 2.0},
         "reid_input": {"height": 64, "width": 32}}
    )  # fmt: skip
    path = tmp_path / "run.toml"
    path.write_text(tomli_w.dumps(config.to_tables()), encoding="utf-8")
    assert RunConfig.from_tables(load_toml(path)) == config


def test_run_config_names_unknown_tables_trackers_and_keys():
    for tables, message in (
        ({"trackers": {}}, "trackers: unknown table"),
        ({"tracker": {"name": "kalman"}}, r"tracker\.name: expected one of"),
        ({"tracker": {"name": "sort", "max_agee": 1}}, r"tracker\.max_agee: unknown key"),
        ({"run": {"every": 0}}, r"every: expected a step from 1"),
        ({"run": {"detector": "x", "detections": "y"}}, r"run\.detector: expected either"),
        ({"scores": {"preset": "nope"}}, "expected one of"),
    ):
        with pytest.raises(InputError, match=message):
            RunConfig.from_tables(tables)


def test_missing_and_malformed_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: no such configuration file"):
        load_toml(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[run\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.toml: not valid TOML"):
        load_toml(bad)


def test_plain_values_of_nested_configs():
    assert to_plain(Outer())["inner"] == {"size": [1, 2], "kind": "a"}
