"""Live traffic inside a budget: a proxy that lets in, prices, stops and settles what is generated."""
