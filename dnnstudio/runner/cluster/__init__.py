"""Trainings on other machines: Dask distributed carries a task to a worker, which trains it in a child process.

Dask, distributed and cryptography are the extra `dnnstudio[cluster]`: they are imported inside functions alone, after
`extra.require` has said in one sentence that they are missing. Nobody without a certificate of the cluster is talked
to; who has one can run programs on every machine of it, as Dask itself unpickles what its members send.
"""
