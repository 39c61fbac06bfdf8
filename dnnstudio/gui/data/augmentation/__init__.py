"""The window of augmentation: sliders, and one training picture as they change it."""
