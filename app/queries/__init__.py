"""All SQL of the application: one module for each group of tables that is asked about."""
