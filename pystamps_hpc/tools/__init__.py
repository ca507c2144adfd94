"""What stands beside the pipeline: simulation, products, verification, descriptions."""
