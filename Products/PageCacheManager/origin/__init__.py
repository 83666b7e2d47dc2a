"""What makes a page: a published template or view, a called template."""
