"""Speech on disk -> batches for training.

A corpus is read (`corpora`), its files are decoded (`audio`) and turned into features (`mfcc`,
`mel`), which are written as records (`prepare`, `tfrecords`) and read as batches (`datasets`).
"""
