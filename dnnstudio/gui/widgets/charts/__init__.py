"""Small plots and what stands around plots: the legend and the share bar."""
