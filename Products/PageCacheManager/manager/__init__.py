"""What a process holds for a manager."""
