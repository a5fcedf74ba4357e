"""The Python language host of Pulumi; a regular package, so that its folder can leave sys.path."""
