"""Every dialect, against deliveries as its gateway sends them."""
