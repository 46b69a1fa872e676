"""The agent-based model: cells and what they hear, the order of a step, what it reads, its state."""
