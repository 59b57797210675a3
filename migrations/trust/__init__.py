"""Who may have a plan carried out, and what proves that he did: approvals, signatures, bundles, sinks."""
