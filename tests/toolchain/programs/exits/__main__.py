"""A program that ends itself with a sentence for the user."""

import sys

sys.exit("no stack without a plan")
