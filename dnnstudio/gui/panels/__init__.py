"""The panels beside the plots: data, layer, optimizer, schedule, training."""
