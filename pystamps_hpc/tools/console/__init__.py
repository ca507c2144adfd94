"""The console: runs and results of datasets in a browser, served on the loopback interface."""
