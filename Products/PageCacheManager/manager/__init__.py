"""The data of a manager: pages in memory, generation, and events."""
