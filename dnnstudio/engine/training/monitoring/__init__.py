"""What is measured while steps run: figures, progress, layer health, divergence, and the rules that follow an epoch."""
