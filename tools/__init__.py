"""Tools around the program: its graph against mocks, and the generated parts of the docs."""
