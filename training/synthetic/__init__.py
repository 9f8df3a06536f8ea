"""Rendered faces: exact Action Units, many subjects, activities as sequences.

| module | what |
| --- | --- |
| `geometry` | the ICT FaceKit's shapes: identity, expression, gaze |
| `mesh` | which of its polygons are drawn, their normals and hollows |
| `action_units` | the table of Action Units: what moves, what goes with what, what excludes what |
| `shapes` | their intensities, left and right, as weights of the kit's shapes |
| `activities` | what people do, as a distribution over Action Units |
| `performance` | one recording: which Action Units, of which side, and their course in time |
| `subjects` | one person: shape, skin, brows, eyes, and which Action Units they show readily |
| `skin` | the skin's texture: tone, lips, brows |
| `scene` | camera, light, background |
| `renderer` | pictures, by OpenGL without a window |
| `dataset`, `contact_sheet` | what the command writes |
"""
