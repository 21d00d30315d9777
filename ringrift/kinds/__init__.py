"""Job kinds: one file each, named by its kind string.

A kind is `Params`, its parameters (ringrift.specs.kinds lists them too), and `run(job, params)`, which does the work,
hands over shards and returns the manifest's `result`. The worker imports a kind when it runs one.
"""
