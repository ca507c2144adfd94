"""The science of the eight stages: typed arrays in, typed arrays out; no stage opens a file."""
