"""A workflow as a graph: the model, its text forms (Mermaid, DOT, outline), its drawing (SVG)."""
