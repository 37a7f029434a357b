"""`arazzo call`: one operation of a description, as a workflow of one step that runs as any other."""
