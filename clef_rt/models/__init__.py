"""Bundles from elsewhere: fetched, tried, checked and kept.

| module | what |
| --- | --- |
| `source` | what is asked for: a URL, the Hugging Face Hub, a file |
| `http_get`, `download`, `part` | a file over the network, resumed after any interruption |
| `trial` | a bundle's graphs, run in a process with bounds |
| `pull` | all of it: fetch, try, keep |
| `check` | `clef-rt models verify` |
"""
