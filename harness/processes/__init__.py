"""Everything that is started is started here, under a supervisor that ends it."""
