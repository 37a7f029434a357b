"""Reports of one run or many, one module per format."""
