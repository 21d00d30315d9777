"""Faults of whole runs. Those of one part are tested beside it:

tests/resources/test_jobs.py: truncated and foreign manifests, corrupt and missing shards, killed and deaf workers
tests/resources/test_storage.py: crashes in the middle of a commit, damaged records, claims of other processes
tests/test_worker.py: a worker killed again and again, damage found on resumption, signals, torn messages
tests/assets/test_faults.py: a worker killed under a materialization
tests/assets/test_selfplay_games.py: stored files that were damaged
"""
