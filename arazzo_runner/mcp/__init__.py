"""Workflows as tools of an agent, over the Model Context Protocol; needs the extra `mcp`."""
