"""Changes of shape of what is stored: one module each, in order, run once and forward only.

Collection ``schema`` remembers which were done (``ledger``); ``runner`` does them in batches while workers of the old
and the new release serve, so each changes one document by one conditional write, and every reader takes both shapes.
Indexes are not made here: every worker makes those that are missing when it starts.
"""

from idp.storage.migrations import (
    m001_grants_resources,
    m002_outbox_done,
    m003_audit_purge_at,
    m004_accounts_clients,
)

MIGRATIONS = (
    m001_grants_resources.MIGRATION,
    m002_outbox_done.MIGRATION,
    m003_audit_purge_at.MIGRATION,
    m004_accounts_clients.MIGRATION,
)
