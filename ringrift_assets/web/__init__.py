"""The web server: Dagster's, behind a guard that lets only its own pages and people ask for anything."""
