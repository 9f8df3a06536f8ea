"""The paper's own tables as commands: what is trained, how often, on what, and what came out.

A table is a list of cells. A cell trains stage 1 (or none) and stage 2 from one seed, and scores test faces. Each is
run once, in a folder named by all that it depends on; so tables share runs, and a command that was stopped goes on.
"""
