"""Faults of whole runs. Those of one part are tested beside it:

tests/resources/runner/test_runner.py: truncated and foreign manifests, damaged and missing shards, killed and deaf
  workers
tests/resources/store/test_store.py: crashes in the middle of a commit, damaged records, claims of other processes
tests/ringrift/jobs/test_worker.py: a worker killed again and again, damage found on resumption, signals, torn messages
tests/ringrift_assets/assets/test_faults.py: a worker killed under a materialization
tests/ringrift_assets/assets/test_selfplay_games.py: stored files that were damaged
"""
