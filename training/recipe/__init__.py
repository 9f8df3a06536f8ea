"""Recipes: how a shipped model is made, from data to bundle, as a list of commands in a file.

| module | what |
| --- | --- |
| `spec` | a recipe's file: steps, sizes, what each needs and makes |
| `run` | runs the steps; what is done isn't done again, what was stopped goes on |
"""

from training.recipe.run import run_recipe
from training.recipe.spec import RECIPES, Recipe, Step, load_recipe

__all__ = ["RECIPES", "Recipe", "Step", "load_recipe", "run_recipe"]
