"""What pages were made from: objects by number, and their last changes."""
