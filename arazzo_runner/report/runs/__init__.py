"""Reports of one run or of many, a module a format."""
