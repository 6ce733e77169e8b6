"""What others publish on npm for the gateways, held against ours."""
