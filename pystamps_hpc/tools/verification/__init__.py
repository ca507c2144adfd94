"""Whether what the program computes is right: compared, audited, and what may be claimed of it.

``compare``
    A tree against a golden one key by key, or checked in itself.
``manifest``, ``run_copies``
    Which golden data are run through which stages, and fresh copies to run them on.
``audit``
    The workflows of the manifest, run and compared.
``evidence``, ``parity_page``
    The recorded audit, and the page of the documentation about it.
``coverage``
    Which stages run natively, and which the evidence certifies.
``gate``
    One dataset through the chain natively, on a clean copy, compared.
"""
