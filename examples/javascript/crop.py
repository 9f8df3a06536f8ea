"""Cut the faces of a photograph as a bundle's encoder takes them, for other languages: photo.jpg crops.raw [BUNDLE].

Writes n crops as raw bytes (n, S, S, C), and prints what CLEF-RT makes of them as JSON, to compare with.
"""

import json
import sys

import cv2
import numpy as np

import clef_rt
from clef_rt.crops import Cropper
from clef_rt.picture import Picture

photo, out, *bundle = sys.argv[1:]
analyzer = clef_rt.load(*bundle)
image = cv2.imread(photo)
faces = analyzer.analyze(image)
landmarks = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
crops, _ = Cropper(analyzer.bundle.spec.input).cut([Picture.from_array(image)], [landmarks])
crops.tofile(out)

scores = analyzer.labels.score(analyzer.encoder.encode(crops))
named = [
    dict(zip(("au", "expression", "zero_shot"), map(dict, analyzer.labels.face_scores(scores, i)), strict=True))
    for i in range(len(crops))
]
print(json.dumps([{group: values for group, values in face.items() if values} for face in named]))
