"""Train the systems of Table 1; the story is told in ser_keras/commands/train.py."""

import sys

from ser_keras.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
