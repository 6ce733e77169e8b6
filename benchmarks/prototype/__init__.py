"""What the prototype's naive stack lacks to start here: two modules it imports, and its address."""
