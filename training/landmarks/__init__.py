"""Trains the embedded landmark network, `clef_rt/detect/landmarks.onnx`."""
