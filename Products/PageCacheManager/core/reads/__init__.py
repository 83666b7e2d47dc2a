"""Read sets of pages: objects by number, and their last changes."""
