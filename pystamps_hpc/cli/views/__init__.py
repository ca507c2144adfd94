"""What people read of the document of each command: a document in, shapes out.

The view of ``describing.status`` is ``views.describing.status``.
"""
