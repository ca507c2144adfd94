"""What is drawn of a dataset: values, series of points, the network, what stages kept."""
