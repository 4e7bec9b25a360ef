"""The traces that come with the package; `read_traces("bundled")` reads them."""
