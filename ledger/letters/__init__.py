"""What is written to clients: reminders, planned and cancelled with the money."""
