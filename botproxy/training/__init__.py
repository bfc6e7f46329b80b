"""From labelled requests to a model: samples, fitting, calibration, evaluation."""
