"""The reference pages, each from the declaration that the program itself uses."""
