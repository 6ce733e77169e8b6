"""What is true about money, payments and invoices: pure values and rules, standard library only."""
