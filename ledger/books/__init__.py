"""Clients, invoices, payments, postings, the journal, and the audit of them all."""
