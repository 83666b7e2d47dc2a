"""Origins of pages: published templates and views, called templates."""
