"""The parallel vocabulary: one context, serial or over MPI, behind the same few verbs."""
