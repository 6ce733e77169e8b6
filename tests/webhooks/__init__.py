"""The door for machines, knocked at as gateways and as strangers do."""
