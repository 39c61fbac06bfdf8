"""Text tables: decoded, and divided into records and cells."""
