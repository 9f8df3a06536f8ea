"""Trains the embedded detector, `clef_rt/detect/clef.onnx`."""
