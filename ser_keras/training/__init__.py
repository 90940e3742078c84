"""One system on one fold: fit, choose, calibrate, keep."""
