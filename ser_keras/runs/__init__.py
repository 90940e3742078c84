"""The run folder: settings that never mix, folds that are kept."""
