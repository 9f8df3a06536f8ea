"""Whole photographs and frames of films with every face boxed, to test on; nothing of them is trained on.

The boxes are upright, from the brows to the chin. They are YuNet's, found at 1280 px and a threshold of 0.3; each was
looked at, and what was no face was taken out. No face was seen that it had missed, so YuNet's own recall on them is
100 % by construction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.data import HELD_OUT, read_photo

__all__ = ["PHOTOGRAPHS", "open_photographs"]

_POSE: Final = "media:intel_ccby/head-pose-face-detection"
_ROOM: Final = "media:intel_ccby/classroom.gif"
_PAIR: Final = f"{_POSE}-female-and-male.gif"
_FILM: Final = "media:pexels/WolfgangLanger_Pexels.mp4"

PHOTOGRAPHS: Final[dict[str, tuple[tuple[int, int, int, int], ...]]] = {
    "insightface:t1.jpg": (
        (466, 267, 102, 145), (749, 352, 99, 123), (1126, 273, 95, 124), (906, 58, 99, 144), (61, 268, 107, 129),
        (267, 151, 105, 127),
    ),
    "insightface:Tom_Hanks_54745.png": ((13, -2, 76, 118),),
    "skimage:astronaut.png": ((178, 63, 90, 113),),
    "matplotlib:grace_hopper.jpg": ((183, 120, 170, 212),),
    "media:pexels/single_face.jpg": ((191, 147, 182, 252),),
    "media:usgov/obama.jpg": ((374, 94, 232, 321),),
    "media:usgov/two_people.jpg": ((234, 21, 150, 204), (790, 49, 147, 207)),
    f"{_ROOM}#0": ((66, 149, 19, 24), (308, 152, 18, 24), (231, 128, 13, 18), (129, 130, 11, 15)),
    f"{_ROOM}#15": ((68, 149, 19, 24), (305, 153, 19, 24), (233, 128, 13, 18), (128, 127, 12, 16)),
    f"{_ROOM}#30": ((68, 149, 19, 24), (305, 155, 18, 23), (232, 128, 13, 18), (128, 129, 12, 15)),
    f"{_ROOM}#44": ((69, 150, 18, 23), (314, 157, 19, 22), (234, 128, 12, 17), (131, 130, 12, 14)),
    f"{_PAIR}#0": ((329, 53, 63, 88), (71, 65, 61, 81)),
    f"{_PAIR}#11": ((302, 61, 71, 84), (41, 92, 61, 66)),
    f"{_PAIR}#22": ((298, 63, 72, 82), (40, 92, 61, 69)),
    f"{_PAIR}#33": ((297, 63, 73, 82), (37, 89, 62, 71)),
    f"{_PAIR}#44": ((298, 65, 72, 81), (39, 90, 59, 68)),
    f"{_PAIR}#55": ((296, 64, 74, 83), (37, 90, 61, 69)),
    f"{_POSE}-female.gif#0": ((180, 60, 58, 86),),
    f"{_POSE}-female.gif#6": ((181, 63, 61, 85),),
    f"{_POSE}-female.gif#12": ((215, 59, 65, 93),),
    f"{_POSE}-female.gif#18": ((205, 57, 67, 92),),
    f"{_POSE}-female.gif#22": ((187, 60, 66, 88),),
    f"{_POSE}-male.gif#0": ((213, 41, 71, 97),),
    f"{_POSE}-male.gif#36": ((214, 40, 71, 100),),
    f"{_POSE}-male.gif#61": ((211, 43, 73, 99),),
    "media:intel_ccby/please.mkv#0": ((281, 50, 62, 85),),
    "media:intel_ccby/please.mkv#50": ((285, 52, 61, 81),),
    f"{_FILM}#0": ((327, 45, 212, 303),),
    f"{_FILM}#43": ((353, 55, 208, 286),),
    f"{_FILM}#86": ((330, 72, 210, 293),),
    f"{_FILM}#129": ((352, 83, 199, 284),),
    f"{_FILM}#172": ((337, 20, 205, 300),),
    f"{_FILM}#215": ((341, 20, 210, 311),),
    f"{_FILM}#258": ((340, 22, 210, 297),),
    f"{_FILM}#301": ((333, 0, 217, 326),),
    f"{_FILM}#344": ((345, 25, 230, 316),),
    f"{_FILM}#387": ((366, 34, 209, 307),),
    f"{_FILM}#430": ((303, 50, 231, 285),),
    **dict.fromkeys(HELD_OUT, ()),
}  # fmt: skip
"""x, y, width, height of each face; by package and file, or by place in the folder of data and number of the frame."""


def open_photographs(data: Path) -> list[tuple[str, NDArray[np.uint8], NDArray[np.float32]]]:
    """All of `PHOTOGRAPHS` that are there: name, (H, W, 3) BGR, (n, 4) boxes.

    Args:
        data: folder with `media`.
    """
    found = []
    for name, boxes in PHOTOGRAPHS.items():
        image = _open(name, data)
        if image is not None:
            found.append((name, image, np.array(boxes, np.float32).reshape(-1, 4)))
    return found


def _open(name: str, data: Path) -> NDArray[np.uint8] | None:
    if not name.startswith("media:"):
        return read_photo(name, colour=True)
    place, _, frame = name.removeprefix("media:").partition("#")
    path = data / "media" / place
    if not path.is_file():
        return None
    if not frame:
        return np.asarray(cv2.imread(str(path)), np.uint8)
    import av

    with av.open(str(path)) as film:
        for number, picture in enumerate(film.decode(video=0)):
            if number == int(frame):
                return np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
    return None
