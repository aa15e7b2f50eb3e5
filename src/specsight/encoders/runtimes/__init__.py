"""Encoders outside torch: an encoder as a graph that ONNX Runtime or OpenVINO runs, faster to start, without torch."""
