"""Executes notebooks, checks them, and renders them into a searchable MkDocs Material site."""
