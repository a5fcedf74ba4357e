"""How the application behaves towards its clients: limits, sizes, times, headers, identities."""
