"""The mathematics of uncertainty, calibration and referral, in numpy alone.

Shapes: `probabilities` is [passes, images, classes]; scores are [images]; entropies are in nats.
"""
