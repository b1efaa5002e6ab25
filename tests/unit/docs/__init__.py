"""The documents and the files for operation, held against the code."""
