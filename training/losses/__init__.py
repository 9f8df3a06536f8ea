"""CLEF's losses, as pure functions of unit embeddings.

Stage 1 learns from activities: `L_II' + L_IA`. Stage 2 learns labels by their names: `L_IN + L_DN`. The sums are the
paper's (method figure); the single terms are the standard forms that fit it, for their equations aren't public.
"""

from training.losses.activities import image_activity, image_image
from training.losses.labels import asymmetric, intensity_levels, present_names
from training.losses.names import au_names, description_names, expression_names
from training.losses.rates import rate_bounds

__all__ = [
    "asymmetric",
    "au_names",
    "description_names",
    "expression_names",
    "image_activity",
    "image_image",
    "intensity_levels",
    "present_names",
    "rate_bounds",
]
