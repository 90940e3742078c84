"""One version of `train_step` in a process of its own: its own memory, its own TensorFlow settings.

`python -m benchmarks.version_process ours|plain` reads a command a line and answers each with a
line: `step`, `predict SIZE` (done) and `peak_memory` (bytes beyond what TensorFlow itself takes).
"""

import os
import subprocess
import sys

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# As this program was started: importing ser_keras sets it.
ONEDNN_AS_STARTED = os.environ.get(ONEDNN)


class VersionProcess:
    """The other end: starts the process and asks it.

    Args:
        version: "ours" or "plain".
        onednn: TensorFlow's switch for oneDNN; None leaves it unset.
    """

    def __init__(self, version: str, onednn: str | None):
        environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
        if onednn is not None:
            environment[ONEDNN] = onednn
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.version_process", version],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def ask(self, command: str) -> str:
        """Wait for the answer to a command.

        Raises:
            RuntimeError: the process has ended.
        """
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a benchmark process ended at {command!r}; its error is above")
        return answer.strip()

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def main(version: str) -> int:
    """Answer commands until there are no more."""
    if version == "ours":
        import ser_keras  # noqa: F401  (first, as its users do: it sets TensorFlow up)
    import tensorflow as tf

    tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))  # the runtime's own start; it is set up from here

    from benchmarks import versions
    from benchmarks.memory import peak_rss_bytes

    before = peak_rss_bytes()
    model = versions.build(version)
    step = versions.training_step(model, versions.BATCH)
    predictions = {str(n): versions.prediction(model, n) for n in (1, versions.BATCH)}
    for line in sys.stdin:
        match line.split():
            case ["step"]:
                step()
                print("done", flush=True)
            case ["predict", size]:
                predictions[size]()
                print("done", flush=True)
            case ["peak_memory"]:
                print(peak_rss_bytes() - before, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
