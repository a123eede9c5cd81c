"""Real connectors, the real kernel and simulated exchanges in one process, under virtual time, from one seed.

Rooms: `world` runs one seed · `plan` and `faults` draw and do what goes wrong · `trader` and `readers` are the user ·
`wire` sees what crosses the seams · `invariants` judge · `broken` holds the variants that must be caught · `lab` runs
seeds and words failures · one file per exchange under test.
"""
