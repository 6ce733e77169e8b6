"""The balance of an invoice as it is shown: negative when more came than is owed."""

from domain.invoices import InvoiceState, Standing


def balance_minor(invoice: Standing, overpaid_minor: int) -> int:
    """The total less everything that settles it and all that is paid beyond, each cent once.

    `overpaid_minor` is the unapplied rest of the payments meant for the invoice. The total of a
    void invoice counts as nothing.
    """
    total_minor = 0 if invoice.state is InvoiceState.VOID else invoice.total_minor
    return total_minor - invoice.settled_minor - overpaid_minor
