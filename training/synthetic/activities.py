"""What people do in front of the camera, as a distribution over Action Units.

The eight tasks are of the kind that BP4D elicits spontaneous expressions with (Zhang et al., *BP4D-Spontaneous*, Image
and Vision Computing 2014); the ninth is talk without a particular feeling. The figures are ours, set by what EMFACS
calls an emotion's Action Units, and mixed so that each is seen in several activities. They say nothing of real people.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ACTIVITIES", "PROTOTYPES"]

ACTIVITIES: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "comedy": {
        "AU12": (0.85, 3.2), "AU06": (0.70, 2.9), "AU25": (0.60, 2.6), "AU26": (0.40, 2.2), "AU07": (0.35, 2.2),
        "AU10": (0.15, 2.0), "AU14": (0.12, 2.2), "AU02": (0.15, 2.0), "AU01": (0.12, 2.0), "AU27": (0.12, 2.6),
    },
    "sad_documentary": {
        "AU01": (0.50, 2.7), "AU04": (0.50, 2.7), "AU15": (0.50, 2.7), "AU17": (0.45, 2.6), "AU14": (0.18, 2.2),
        "AU24": (0.25, 2.4), "AU07": (0.22, 2.2), "AU43": (0.15, 3.0), "AU25": (0.15, 2.0), "AU28": (0.12, 2.4),
    },
    "burst_of_sound": {
        "AU01": (0.55, 3.0), "AU02": (0.60, 3.0), "AU05": (0.55, 3.0), "AU25": (0.55, 2.8), "AU26": (0.50, 3.0),
        "AU12": (0.35, 2.6), "AU06": (0.20, 2.4), "AU27": (0.20, 2.8), "AU20": (0.18, 2.4), "AU04": (0.20, 2.3),
    },
    "silly_song": {
        "AU12": (0.60, 2.5), "AU06": (0.40, 2.4), "AU14": (0.30, 2.5), "AU25": (0.65, 2.7), "AU26": (0.55, 2.5),
        "AU18": (0.28, 2.8), "AU22": (0.28, 2.6), "AU02": (0.30, 2.5), "AU01": (0.22, 2.4), "AU24": (0.15, 2.4),
    },
    "threat": {
        "AU01": (0.48, 2.7), "AU02": (0.32, 2.5), "AU04": (0.45, 2.6), "AU05": (0.50, 2.8), "AU20": (0.45, 2.8),
        "AU25": (0.45, 2.6), "AU26": (0.32, 2.5), "AU12": (0.22, 2.3), "AU07": (0.25, 2.3), "AU14": (0.12, 2.2),
    },
    "cold_pack": {
        "AU04": (0.60, 3.0), "AU07": (0.55, 3.0), "AU06": (0.35, 2.6), "AU09": (0.28, 2.5), "AU10": (0.32, 2.5),
        "AU20": (0.28, 2.6), "AU25": (0.38, 2.5), "AU43": (0.20, 3.2), "AU17": (0.20, 2.4), "AU24": (0.25, 2.6),
    },
    "insult": {
        "AU04": (0.58, 2.8), "AU07": (0.45, 2.7), "AU24": (0.45, 2.8), "AU14": (0.35, 2.5), "AU10": (0.25, 2.4),
        "AU17": (0.30, 2.5), "AU05": (0.22, 2.3), "AU15": (0.22, 2.4), "AU23": (0.35, 2.8), "AU02": (0.15, 2.2),
    },
    "bad_smell": {
        "AU09": (0.60, 3.0), "AU10": (0.55, 3.0), "AU04": (0.48, 2.6), "AU07": (0.42, 2.6), "AU06": (0.28, 2.3),
        "AU17": (0.32, 2.6), "AU25": (0.32, 2.3), "AU16": (0.20, 2.5), "AU15": (0.18, 2.3), "AU12": (0.15, 2.2),
    },
    "talk": {
        "AU25": (0.75, 2.5), "AU26": (0.55, 2.2), "AU22": (0.28, 2.4), "AU18": (0.25, 2.4), "AU12": (0.28, 2.2),
        "AU02": (0.25, 2.3), "AU01": (0.22, 2.3), "AU14": (0.18, 2.3), "AU16": (0.25, 2.3), "AU28": (0.12, 2.4),
    },
}  # fmt: skip
"""By activity: each Action Unit's probability in a recording, and its mean peak intensity where it is there."""

PROTOTYPES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "comedy": (("AU06", "AU12"), ("AU06", "AU12", "AU25"), ("AU06", "AU12", "AU25", "AU26"), ("AU12",)),
    "sad_documentary": (
        ("AU01", "AU04"), ("AU01", "AU04", "AU15"), ("AU01", "AU04", "AU15", "AU17"), ("AU15",), ("AU15", "AU17"),
        ("AU04", "AU15"), ("AU01", "AU15"), ("AU01", "AU04", "AU43"),
    ),
    "burst_of_sound": (
        ("AU01", "AU02", "AU05", "AU26"), ("AU01", "AU02", "AU05"), ("AU01", "AU02", "AU05", "AU27"),
        ("AU02", "AU05", "AU25"),
    ),
    "silly_song": (
        ("AU12", "AU14"), ("AU18",), ("AU22",), ("AU01", "AU02", "AU22"), ("AU12", "AU24"), ("AU27",), ("AU02", "AU27"),
    ),
    "threat": (
        ("AU01", "AU02", "AU04", "AU05", "AU20"), ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25"),
        ("AU01", "AU02", "AU04", "AU05", "AU20", "AU26"), ("AU05", "AU20"), ("AU01", "AU04", "AU20"),
    ),
    "cold_pack": (
        ("AU04", "AU06", "AU07", "AU09"), ("AU04", "AU07", "AU10"), ("AU04", "AU07", "AU43"), ("AU04", "AU07", "AU20"),
        ("AU04", "AU06", "AU43", "AU24"),
    ),
    "insult": (
        ("AU04", "AU07", "AU23"), ("AU04", "AU05", "AU24"), ("AU04", "AU05", "AU07", "AU23"), ("AU04", "AU17", "AU24"),
        ("AU04",), ("AU14",), ("AU04", "AU07", "AU10", "AU25"), ("AU17", "AU23"),
    ),
    "bad_smell": (
        ("AU09", "AU17"), ("AU10", "AU17"), ("AU09",), ("AU10",), ("AU09", "AU10", "AU04"), ("AU04", "AU09", "AU25"),
        ("AU09", "AU15", "AU16"),
    ),
    "talk": (("AU25", "AU26"), ("AU22",), ("AU18",), ("AU28",), ("AU02", "AU16"), ("AU16",)),
}  # fmt: skip
"""By activity: Action Units that come together, as EMFACS has it for the activity's emotion, or as is often seen."""
