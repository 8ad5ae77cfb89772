"""Recipes of re-identification trainings: TOML files, some of them shipped with the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import apply_overrides, from_dict, load_toml
from .errors import InputError

if TYPE_CHECKING:
    from mtmc.reid.recipe import Recipe


def load_recipe(config: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and change some of its settings.

    Parameters
    ----------
    config : str or Path
        A TOML file, or the name of a shipped recipe such as ``robust_reid_2x.toml``.
    overrides : sequence of str
        ``section.key=value``.

    Raises
    ------
    InputError
        When there is no such recipe, or it holds something unknown or malformed.
    """
    return build_recipe(recipe_tables(config), overrides)


def shipped_recipes() -> dict[str, Path]:
    """File name -> path of the recipes inside the package."""
    folder = Path(str(files("mtmc.reid"))) / "recipes"
    return {path.name: path for path in sorted(folder.glob("*.toml"))}


def recipe_tables(config: str | Path) -> dict[str, Any]:
    """The sections of a recipe as plain values; arguments as of :func:`load_recipe`."""
    path = Path(config)
    if not path.is_file() and path.name == str(config):
        shipped = shipped_recipes()
        name = path.name.removesuffix(".toml") + ".toml"
        if name not in shipped:
            raise InputError(
                f"{config}: no such file, and no shipped recipe ({', '.join(shipped)})"
            )
        path = shipped[name]
    return load_toml(path)


def build_recipe(tables: Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """Settings as a Recipe; ``[model]`` holds ``name`` and fields of that network's config."""
    from mtmc.reid.models import MODELS
    from mtmc.reid.recipe import ModelConfig, Recipe

    tables = apply_overrides(tables, overrides)
    model = tables.pop("model", {})
    if not isinstance(model, dict):
        raise InputError(f"model: expected a table, got {model!r}")
    name = model.pop("name", ModelConfig().name)
    if name not in MODELS:
        raise InputError(f"model.name: expected one of {', '.join(MODELS)}, got {name!r}")
    defaults = MODELS[name].config
    whole = {f.name: getattr(defaults, f.name) for f in fields(defaults)} | model
    options = from_dict(type(defaults), whole, "model")
    chosen = {key: getattr(options, key) for key in model}
    return from_dict(Recipe, {**tables, "model": ModelConfig(name, chosen)})
