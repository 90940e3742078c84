"""One version of `train_step` in a process of its own: its own memory, its own TensorFlow settings.

`python -m benchmarks.version_process ours|plain` reads a command a line and answers each with a
line: `step`, `predict SIZE`, `answer SIZE` (done), `threads` (how TensorFlow was set up) and
`peak_memory` (bytes beyond what TensorFlow itself takes), and `product`: a large matrix product. An
answer is that of the exported graph to features as they are computed; the plain version has no such
graph and is asked for a prediction.
"""

import os
import subprocess
import sys
from collections.abc import Callable

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
SETTINGS = (ONEDNN, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# As this program was started: importing ser_keras sets them.
AS_STARTED = {name: os.environ[name] for name in SETTINGS if name in os.environ}


class VersionProcess:
    """The other end: starts the process and asks it.

    Args:
        version: "ours" or "plain".
        settings: of TensorFlow, by the name of their variable; the others of SETTINGS are unset.
    """

    def __init__(self, version: str, settings: dict[str, str]):
        others = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.version_process", version],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=others | settings,
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

    threads = " ".join(os.environ.get(name, "default") for name in SETTINGS)
    tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))  # the runtime's own start; it is set up from here

    from benchmarks import versions
    from benchmarks.memory import peak_rss_bytes

    before = peak_rss_bytes()
    model = versions.build(version)
    step = versions.training_step(model, versions.BATCH)
    sizes = (1, versions.BATCH)
    predictions = {str(size): versions.prediction(model, size) for size in sizes}
    answers: dict[str, Callable] = {}
    product = versions.product()
    for line in sys.stdin:
        match line.split():
            case ["step"]:
                step()
                print("done", flush=True)
            case ["predict", size]:
                predictions[size]()
                print("done", flush=True)
            case ["answer", size]:
                if version == "ours" and not answers:  # after the memory of the steps was asked for
                    answers = versions.exported_answers(model, sizes)
                (answers or predictions)[size]()
                print("done", flush=True)
            case ["threads"]:
                print(threads, flush=True)
            case ["product"]:
                product()
                print("done", flush=True)
            case ["peak_memory"]:
                print(peak_rss_bytes() - before, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
